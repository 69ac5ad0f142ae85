"""True motion, from labelled boxes."""

import torch
from moving_clip import VELOCITY, moving_clip, on_box
from toy_clip import GROUND

from flux4d_core.evaluation.truth import LabelledTruth, dynamic_pixels
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.types import Boxes


def _boxes() -> tuple[Boxes, ...]:
    """The box of the moving clip, labelled in every frame."""

    def at(time: float) -> Boxes:
        pose = torch.eye(4)[None].clone()
        pose[0, :3, 3] = torch.tensor([10.0, -1.5, GROUND + 1.2]) + VELOCITY * time
        return Boxes(time, pose, torch.tensor([[0.4, 2.2, 1.4]]), ("1",), ("Car",))

    return tuple(at(0.1 * i) for i in range(6))


def test_returns_in_a_labelled_box_move_with_it_and_all_others_stand() -> None:
    lifted = lift(moving_clip(), LiftConfig(panorama_height=64))
    velocities = LabelledTruth(_boxes()).returns(lifted).velocities
    box = (on_box(lifted.gaussians.means) & (lifted.heights > 0.3))[lifted.measured]
    assert int(box.sum()) > 500
    assert (velocities[box] - VELOCITY).norm(dim=-1).max() < 0.05
    far = (lifted.gaussians.means[lifted.measured][:, 0] - 10).abs() > 1
    assert velocities[far].abs().max() == 0


def test_the_outline_of_a_moving_box_is_dynamic_and_the_sky_is_not() -> None:
    frame = moving_clip().frames[2]
    dynamic = dynamic_pixels(LabelledTruth(_boxes()).pixel_velocities(frame))
    assert 0.005 < float(dynamic.float().mean()) < 0.2
    assert not dynamic[:20].any()


def test_a_parked_box_is_not_dynamic() -> None:
    still = tuple(Boxes(b.time, _boxes()[0].box_to_world, b.sizes, b.track_ids, b.classes) for b in _boxes())
    assert not dynamic_pixels(LabelledTruth(still).pixel_velocities(moving_clip().frames[2])).any()
