"""av2-api reads a log: images with Pillow, if it is installed beside it. Arguments: the log's folder."""
# pyright: reportMissingImports=false

import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

try:
    from PIL import Image
except ModuleNotFoundError:
    Image = None

for name in ("cv2", "cv2.typing", "matplotlib", "matplotlib.pyplot", "matplotlib.colors"):
    sys.modules[name] = MagicMock()
for name in ("av2.rendering.color", "av2.rendering.vector"):
    sys.modules[name] = MagicMock()

from av2.datasets.sensor.av2_sensor_dataloader import AV2SensorDataLoader  # noqa: E402
from av2.structures.sweep import Sweep  # noqa: E402
from report import Report  # noqa: E402

log = Path(sys.argv[1])
report = Report()
loader = AV2SensorDataLoader(data_dir=log.parent, labels_dir=log.parent)
stamps = loader.get_ordered_log_lidar_timestamps(log.name)
report.opened()
for stamp in stamps:
    sweep = Sweep.from_feather(log / f"sensors/lidar/{stamp}.feather")
    report.points += len(loader.get_city_SE3_ego(log.name, stamp).transform_point_cloud(sweep.xyz))
for camera in sorted(path.name for path in (log / "sensors/cameras").glob("*")):
    for path in loader.get_ordered_log_cam_fpaths(log.name, camera):
        loader.get_city_SE3_ego(log.name, int(path.stem))
        if Image is not None:
            report.images += np.asarray(Image.open(path)).ndim == 3
report.done()
