"""Views from beside the path."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_street import make_camera

from flux4d_core.evaluation.clips import Opening, Street, open_clip, street_config
from flux4d_core.evaluation.frames import Judge
from flux4d_core.evaluation.methods import Method
from flux4d_core.evaluation.novel_views import ON_PATH, NovelView, novel_rows, novel_views, seen_by
from flux4d_core.evaluation.truth import SimulatedTruth
from flux4d_core.geometry import invert, transform
from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import build, record
from flux4d_core.types import FrameTruth, Rendering

SPLIT = SplitConfig(inputs=2, future=0)


@pytest.fixture(scope="module")
def street() -> tuple[SimulatedTruth, tuple[NovelView, ...]]:
    """Street 7 in small: sweeps 0 and 2 are inputs, 1 is held out and looked at from elsewhere."""
    simulation = build(7, SimulationConfig(duration=0.2, width=96, height=54, beams=16))
    truth = SimulatedTruth(*record(simulation))
    split = split_clip(truth.clip, SPLIT)
    return truth, novel_views(simulation, truth, split.interpolated, split.inputs.frames)


def test_the_camera_moves_one_two_and_three_metres_aside_and_one_up(
    street: tuple[SimulatedTruth, tuple[NovelView, ...]],
) -> None:
    truth, views = street
    offsets = [view.offset for view in views]
    assert offsets[0] == ON_PATH and offsets[-1] == "1 m up"
    assert set(offsets) <= {ON_PATH, "1 m aside", "2 m aside", "3 m aside", "1 m up"}
    path = truth.clip.frames[1].camera
    for view in views[1:]:
        moved = view.frame.camera.camera_to_world[:3, 3] - path.camera_to_world[:3, 3]
        if view.offset == "1 m up":
            torch.testing.assert_close(moved, torch.tensor([0.0, 0.0, 1.0]))
        else:
            assert float(moved[2]) == pytest.approx(0.0, abs=1e-5)
            assert float(moved.norm()) == pytest.approx(float(view.offset[0]), abs=1e-4)
            in_camera = transform(invert(path.camera_to_world), view.frame.camera.camera_to_world[:3, 3])
            assert float(in_camera[0]) < -0.9 * float(view.offset[0])  # the first instant is seen from the left
        assert view.frame.camera.time == path.time
        assert not torch.equal(view.frame.image, truth.clip.frames[1].image)


def test_inputs_saw_nearly_all_of_the_path_and_less_of_what_lies_aside(
    street: tuple[SimulatedTruth, tuple[NovelView, ...]],
) -> None:
    shares = {view.offset: int(view.seen.sum()) / int(view.truth.depths.isfinite().sum()) for view in street[1]}
    assert shares[ON_PATH] > 0.85
    assert all(0.3 < share < shares[ON_PATH] for offset, share in shares.items() if offset != ON_PATH)


def test_what_an_input_looked_past_was_not_seen() -> None:
    """A wall 10 m ahead fills the view; an input that stands right there saw it, one whose wall was nearer did not."""
    camera = make_camera(0.0)
    still = torch.zeros(camera.height, camera.width, 3)
    wall = FrameTruth(torch.full(still.shape[:2], 10.0), still, torch.full(still.shape[:2], -1))
    near = torch.full(still.shape[:2], 5.0)
    assert bool(seen_by([(camera, wall.depths)], camera, wall).all())
    assert not bool(seen_by([(camera, near)], camera, wall).any())
    # a wall that comes at 10 m/s was at 11 m a tenth of a second earlier
    coming = FrameTruth(wall.depths, still + torch.tensor([-10.0, 0, 0]), wall.actor_ids)
    now = replace(camera, time=0.1)
    assert bool(seen_by([(camera, torch.full(still.shape[:2], 11.0))], now, coming).all())


def test_a_perfect_scene_has_no_holes_and_falls_by_nothing(
    street: tuple[SimulatedTruth, tuple[NovelView, ...]],
) -> None:
    truth, views = street

    def perfect(frame: object) -> Rendering:
        view = next(v for v in views if v.frame is frame)
        shape = view.seen.shape
        return Rendering(view.frame.image.float() / 255, torch.ones(shape), view.seen.float(), None)

    rows = novel_rows(Judge(truth.clip, truth, None), Method("lifted", 1.0, perfect, None), views)
    assert rows[0].offset == ON_PATH
    for row in rows:
        assert row.psnr > 90 and row.psnr_seen > 90 and row.holes_seen == row.open_seen == 0 and row.gmsd == 0
        assert row.psnr_drop == pytest.approx(0.0)


def test_a_street_is_opened_with_its_views_only_where_they_are_wanted() -> None:
    opened = open_clip(Street(3), Opening(SPLIT, Path(), novel_views=False), torch.device("cpu"))
    assert opened.views == ()
    assert len(opened.clip.sweeps) == 3 == 1 + round(10 * street_config(SPLIT).duration)
