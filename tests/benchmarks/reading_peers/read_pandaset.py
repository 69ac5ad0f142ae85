"""pandas and Pillow read PandaSet, as its devkit does. Arguments: the log's folder."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas
from PIL import Image
from report import Report

folder = Path(sys.argv[1])
report = Report()
for poses in folder.glob("*/*/poses.json"):
    json.loads(poses.read_text())
report.opened()
for path in sorted((folder / "lidar").glob("*.pkl.gz")):
    report.points += len(pandas.DataFrame(pandas.read_pickle(path)).to_numpy())  # noqa: S301
for path in sorted((folder / "camera").glob("*/*.jpg")):
    report.images += np.asarray(Image.open(path)).ndim == 3
report.done()
