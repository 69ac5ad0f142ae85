from pathlib import Path

import pytest

from flux4d_viewer.jobs.exporting import Delivery, SaveScene
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog
from flux4d_viewer.progress_plan import Plan, plan_of


def test_half_of_the_second_of_two_equal_stages_is_three_quarters() -> None:
    plan = Plan((("reading", 2.0), ("lifting", 2.0)))
    assert plan.reached("Reading sweeps", 1.0) == 0.5
    assert plan.reached("lifting images", 0.5) == 0.75


def test_progress_never_goes_back() -> None:
    plan = Plan((("reading", 1.0), ("lifting", 1.0)))
    plan.reached("lifting", 0.5)
    assert plan.reached("reading", 0.0) == 0.75
    assert plan.reached("something else", 1.0) == 0.75


def test_a_job_of_one_stage_is_as_far_as_its_stage() -> None:
    assert plan_of(SaveScene(Delivery(Path()))).reached("Saving", 0.4) == 0.4


@pytest.mark.parametrize("job", [OpenDemo(), OpenLog(Path(), 0.0, 1.0, ())])
def test_reconstructing_passes_all_its_stages_in_order(job: OpenDemo | OpenLog) -> None:
    plan = plan_of(job)
    stages = ["Reading sweeps", "Lifting", "Predicting motion", "Checking motion against the LiDAR", "Compiling"]
    stages += ["Refining, pass 1 of 1", "Grouping", "Preparing the view"]
    reached = [plan.reached(stage, 1.0) for stage in stages]
    assert reached == sorted(set(reached))
    assert reached[-1] == pytest.approx(1.0)
