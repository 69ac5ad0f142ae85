"""One step after another on one small scene."""

from dataclasses import replace
from pathlib import Path

import torch
from moving_clip import VELOCITY, moving_clip, on_box

from flux4d_core.learning.example import make_example
from flux4d_core.learning.losses import LossConfig, scene_losses
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
    none = LossConfig(depth=0.0, static=0.0, acceleration=0.0, consistency=0.0)
    losses = scene_losses(moving, example, [example.views[0]], none, generator)
    assert float(losses.depth) == float(losses.static) == float(losses.consistency) == 0
    some = scene_losses(moving, example, [example.views[0]], replace(none, static=1.0), generator)
    assert abs(float(some.static) - 3**0.5) < 1e-3
    assert float(some.total) > float(losses.total)
