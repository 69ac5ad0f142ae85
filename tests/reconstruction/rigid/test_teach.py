"""What a network can be taught without labels: the motion that sweeps prove, with the sweeps between the inputs."""

from dataclasses import replace

import pytest
from moving_clip import VELOCITY, moving_clip, on_box

from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.reconstruction.rigid.teach import Taught, teach
from flux4d_core.types import Clip, Lifted


def _taught(clip: Clip, split: SplitConfig) -> tuple[Lifted, Taught]:
    inputs = split_clip(clip, split).inputs
    lifted = lift(inputs, LiftConfig(panorama_height=64))
    return lifted, teach(lifted, inputs, clip)


@pytest.mark.parametrize("split", [SplitConfig(inputs=2), SplitConfig(stride=1, inputs=3)])
def test_the_box_is_taught_to_drive_and_the_wall_and_the_road_to_stand(split: SplitConfig) -> None:
    lifted, taught = _taught(moving_clip(), split)
    box = lifted.measured & on_box(lifted.gaussians.means) & (lifted.heights > 0.6)
    assert int(box.sum()) > 200
    assert taught.moving[box].float().mean() > 0.99
    assert (taught.velocities[box & taught.moving] - VELOCITY).norm(dim=-1).max() < 0.75
    far = lifted.measured & ((lifted.gaussians.means[:, 0] - 10).abs() > 1.0)
    assert int(far.sum()) > 500
    assert not bool(taught.moving[far].any())
    assert taught.standing[far].float().mean() > 0.8


def test_nothing_both_stands_and_moves_and_only_what_moves_has_a_velocity() -> None:
    _, taught = _taught(moving_clip(), SplitConfig(inputs=2))
    assert not bool((taught.moving & taught.standing).any())
    assert taught.velocities[~taught.moving].abs().max() == 0


def test_a_single_sweep_teaches_that_the_road_stands_and_nothing_else() -> None:
    clip = moving_clip()
    clip = replace(clip, sweeps=clip.sweeps[:1])
    lifted, taught = _taught(clip, SplitConfig(inputs=1))
    assert not bool(taught.moving.any())
    assert bool(taught.standing.any())
    assert lifted.heights[taught.standing].max() < 0.1
