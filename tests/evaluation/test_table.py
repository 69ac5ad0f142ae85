"""Tables for people and spreadsheets."""

import csv
import io

from made_results import made_evaluation

from flux4d_core.evaluation.definitions import DEFINITIONS
from flux4d_core.evaluation.results import mean_of
from flux4d_core.evaluation.table import as_csv, as_markdown, intervals_of


def test_the_table_says_what_is_not_known_with_a_dash_and_defines_every_word() -> None:
    text = as_markdown(made_evaluation("a", 20.0, pedestrian=True))
    assert "| lifted | interpolated | full | 20.00 | 0.500 | 0.100 | - | 1.00 | 2.00 | 0.000 | 3.0 | 5 |" in text
    assert "| lifted | 1 m aside | 18.00 | 2.00 |" in text
    assert "| lifted | pedestrian | 1.00 | 100% of 1.00 |" in text
    assert all(f"- {name}: " in text for name in DEFINITIONS)
    assert "nan" not in text
    widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    heads = [i for i, line in enumerate(text.splitlines()) if set(line) == {"|", "-"}]
    assert len(heads) == 5 and len(widths) > 10


def test_several_scenes_have_intervals_and_one_has_none() -> None:
    scenes = [made_evaluation("a", 20.0), made_evaluation("b", 30.0)]
    intervals = intervals_of(scenes)
    psnr = next(i for i in intervals if (i.of, i.figure) == ("interpolated full", "psnr"))
    assert (psnr.mean, psnr.low, psnr.high, psnr.scenes) == (25.0, 20.0, 30.0, 2)
    assert "25.00 [20.00, 30.00]" in as_markdown(mean_of(scenes, "both"), intervals)
    assert intervals_of(scenes[:1]) == []


def test_the_csv_has_a_line_for_every_figure_of_every_scene() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv([made_evaluation("a", 20.0), made_evaluation("b", 30.0)]))))
    own = [line for line in lines if (line["of"], line["figure"]) == ("interpolated full", "psnr")]
    psnr = {line["clip"]: line["value"] for line in own}
    assert psnr == {"a": "20", "b": "30"}
    assert not any(line["figure"] == "lpips" for line in lines)
