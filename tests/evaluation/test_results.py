"""Figures of one clip, of many, and as JSON."""

import json
import math

from made_results import made_evaluation

from flux4d_core.evaluation.results import as_json, figures, from_json, mean_of


def test_the_mean_counts_each_clip_once_and_leaves_out_what_a_clip_lacks() -> None:
    both = mean_of([made_evaluation("a", 20.0), made_evaluation("b", 30.0, pedestrian=True)], "2 clips")
    assert both.log == "2 clips"
    assert both.rows[0].psnr == 25.0
    assert both.rows[0].count == 10
    assert math.isnan(both.rows[0].lpips)
    assert both.novel_views[1].psnr_drop == 2.0
    groups = {group.name: group for group in both.flows["lifted"].classes}
    assert groups["vehicle"].moving_error == 10.0
    assert groups["vehicle"].moving_returns == 2
    assert groups["pedestrian"].nothing_moves_error == 1.0  # the one clip that has one


def test_an_evaluation_survives_json_with_what_is_not_known_as_null() -> None:
    whole = made_evaluation("a", 20.0, pedestrian=True)
    stored = json.loads(json.dumps(as_json(whole), allow_nan=False))
    assert stored["rows"][0]["lpips"] is None
    assert as_json(from_json(stored)) == stored
    assert from_json(stored).flows["lifted"].classes[1].name == "vehicle"


def test_every_measured_number_is_a_figure_with_its_place() -> None:
    found = {(f.method, f.of, f.name): f.value for f in figures(made_evaluation("a", 20.0, pedestrian=True))}
    assert found["lifted", "interpolated full", "psnr"] == 20.0
    assert found["lifted", "view 1 m aside", "psnr_drop"] == 2.0
    assert found["lifted", "motion of pedestrian", "moving_error"] == 1.0
    assert ("lifted", "interpolated full", "count") not in found
