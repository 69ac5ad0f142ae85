"""One step after another on one small scene."""

from dataclasses import replace
from pathlib import Path

import torch
from moving_clip import VELOCITY, moving_clip, on_box

from flux4d_core.learning.example import make_example
from flux4d_core.learning.losses import Expected, LossConfig, motion_losses, settled, view_losses
from flux4d_core.learning.split import SplitConfig
from flux4d_core.learning.train import TrainConfig, _start, _step
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.reconstructor import ReconstructorConfig
from flux4d_core.model.unet import UNetConfig

CPU = torch.device("cpu")


def test_a_few_steps_teach_the_box_to_move_and_leave_the_rest_alone(tmp_path: Path) -> None:
    example = make_example(moving_clip(), SplitConfig(stride=1, inputs=4, future=2), LiftConfig(panorama_height=64))
    small = UNetConfig(channels=(16, 24, 32))
    config = TrainConfig(
        steps=40,
        views=1,
        warmup=5,
        rate=3e-3,
        losses=LossConfig(consistency=1.0, static=3e-3),
        model=ReconstructorConfig(unet=small, refine_unet=small, refinements=0, head_width=32),
    )
    torch.manual_seed(0)
    training = _start(config, tmp_path, CPU, None)
    generator = torch.Generator().manual_seed(0)
    for group in training.optimizer.param_groups:
        group["lr"] = config.rate
    totals = [float(_step(training, [example], config, generator).total) for _ in range(60)]
    with torch.no_grad():
        (gaussians,) = training.model.predict(training.model.prepare([example.lifted]))
    box = example.lifted.measured & on_box(example.lifted.gaussians.means) & (example.lifted.heights > 0.4)
    beside = (example.lifted.gaussians.means[:, 0] - 10).abs() > 2
    error = (gaussians.velocities[box] - VELOCITY).norm(dim=-1).mean()
    assert float(error) < 0.5 * float(VELOCITY.norm())
    assert float(gaussians.velocities[beside].norm(dim=-1).mean()) < 0.5
    assert totals[-1] < totals[0]


def test_terms_can_be_switched_off() -> None:
    example = make_example(moving_clip(), SplitConfig(stride=1, inputs=4, future=2), LiftConfig(panorama_height=64))
    moving = replace(example.lifted.gaussians, velocities=torch.ones_like(example.lifted.gaussians.velocities))
    generator = torch.Generator().manual_seed(0)
    none = LossConfig(depth=0.0, coverage=0.0, static=0.0, acceleration=0.0, consistency=0.0, bodies=0.0)
    _, depth = view_losses([Expected(moving, example.lifted.sky, [example.views[0]])], none)
    assert float(depth) == 0
    assert [float(term) for term in motion_losses(moving, example, none, generator)] == [0, 0, 0]
    static, _, _ = motion_losses(moving, example, replace(none, static=1.0), generator)
    assert abs(float(static) - 3**0.5) < 1e-3


def test_light_through_a_wall_costs() -> None:
    example = make_example(moving_clip(), SplitConfig(stride=1, inputs=4, future=2), LiftConfig(panorama_height=64))
    solid = example.lifted.gaussians
    none = LossConfig(depth=0.0, coverage=1.0)
    thin = replace(solid, opacities=solid.opacities * 0.002)
    _, closed = view_losses([Expected(solid, example.lifted.sky, [example.views[0]])], none)
    _, open_ = view_losses([Expected(thin, example.lifted.sky, [example.views[0]])], none)
    assert float(closed) < 0.05
    assert float(open_) > 0.9


def test_what_bodies_do_is_taught_and_overrules() -> None:
    example = make_example(moving_clip(), SplitConfig(stride=1, inputs=4, future=2), LiftConfig(panorama_height=64))
    taught, lifted = example.taught, example.lifted
    box = lifted.measured & on_box(lifted.gaussians.means) & (lifted.heights > 0.4)
    assert bool(taught.moving[box].float().mean() > 0.9)
    assert bool(((taught.velocities[box & taught.moving] - VELOCITY).norm(dim=-1) < 1.0).all())
    only = LossConfig(static=0.0, acceleration=0.0, consistency=0.0, bodies=1.0)
    generator = torch.Generator().manual_seed(0)
    _, _, at_rest = motion_losses(lifted.gaussians, example, only, generator)
    right = settled(lifted.gaussians, taught)
    _, _, as_taught = motion_losses(right, example, only, generator)
    assert abs(float(at_rest) - float(VELOCITY.norm())) < 1.0
    assert float(as_taught) < 0.01
    twice = settled(lifted.gaussians[torch.arange(len(lifted.gaussians)).repeat_interleave(2)], taught)
    assert torch.equal(twice.velocities[::2], right.velocities)
