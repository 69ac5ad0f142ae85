"""The network around the U-Net."""

from dataclasses import replace

import pytest
import torch
from toy_clip import toy_clip

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.model.features import contract
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.residual import CHANNELS, change
from flux4d_core.model.unet import UNetConfig
from flux4d_core.types import Lifted


def _lifted(frames: int = 3) -> Lifted:
    return lift(toy_clip(frames=frames), LiftConfig(panorama_height=64))


def _model() -> Reconstructor:
    torch.manual_seed(0)
    small = UNetConfig(channels=(8, 16))
    model = Reconstructor(ReconstructorConfig(unet=small, refine_unet=small, head_width=16))
    for head in (model.looks, model.motion):
        last = head[-1]
        assert isinstance(last, torch.nn.Linear)
        torch.nn.init.normal_(last.weight, std=0.3)  # say something
    return model.eval()


def test_near_points_keep_their_distance_and_far_ones_come_nearer_in_their_own_direction() -> None:
    points = torch.tensor([[10.0, 0, 0], [0, 40.0, 0], [0, 400.0, 0]])
    contracted = contract(points, torch.zeros(3), 40.0)
    assert torch.allclose(contracted[:2], points[:2])
    assert torch.allclose(contracted[2], torch.tensor([0.0, 40 * (1 + 2.302585), 0.0]))


def test_two_scenes_in_one_batch_do_not_see_each_other() -> None:
    model, one, two = _model(), _lifted(2), _lifted(3)
    with torch.no_grad():
        together = model.predict(model.prepare([one, two]))
        alone = [model.predict(model.prepare([scene]))[0] for scene in (one, two)]
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a.velocities, b.velocities, atol=1e-5)
        assert torch.allclose(a.means, b.means, atol=1e-5)


def test_the_order_of_the_gaussians_does_not_matter() -> None:
    model, lifted = _model(), _lifted(2)
    order = torch.randperm(len(lifted.gaussians), generator=torch.Generator().manual_seed(0))
    shuffled = replace(
        lifted, gaussians=lifted.gaussians[order], measured=lifted.measured[order], heights=lifted.heights[order]
    )
    with torch.no_grad():
        (a,), (b,) = (model.predict(model.prepare([scene])) for scene in (lifted, shuffled))
    assert torch.allclose(a.velocities[order], b.velocities, atol=1e-4)


def test_the_network_knows_time_in_seconds_not_in_numbers_of_sweeps() -> None:
    model, lifted = _model(), _lifted(3)
    stretched = replace(lifted, gaussians=replace(lifted.gaussians, times=lifted.gaussians.times * 2))
    with torch.no_grad():
        (a,), (b,) = (model.predict(model.prepare([scene])) for scene in (lifted, stretched))
    assert not torch.allclose(a.velocities, b.velocities, atol=1e-3)


def test_every_weight_learns() -> None:
    model, lifted = _model().train(), _lifted(2)
    prepared = model.prepare([lifted])
    first = model.predict(prepared)
    refined = first[0]
    for step in range(model.num_refinements):
        (refined,) = model.refine(step, prepared, [refined], [torch.randn(len(refined), CHANNELS)])
    total = sum(getattr(refined, name).sum() for name in ("means", "scales", "opacities", "colors", "velocities"))
    assert isinstance(total, torch.Tensor)
    (total + (refined.quats * torch.arange(4)).sum() + refined.accelerations.sum()).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not bool((p.grad != 0).any())]
    assert silent == []


def test_a_zero_residual_changes_nothing_and_any_residual_keeps_gaussians_sound() -> None:
    gaussians = _lifted(1).gaussians
    same = change(gaussians, torch.zeros(len(gaussians), CHANNELS))
    for name in ("means", "quats", "scales", "opacities", "colors"):
        assert torch.allclose(getattr(same, name), getattr(gaussians, name), atol=1e-6), name
    wild = change(gaussians, 100 * torch.randn(len(gaussians), CHANNELS, generator=torch.Generator().manual_seed(0)))
    assert (wild.scales > 0).all()
    assert ((wild.opacities >= 0) & (wild.opacities <= 1)).all()
    assert torch.allclose(wild.quats.norm(dim=-1), torch.ones(len(wild)), atol=1e-5)
    moved = (wild.means - gaussians.means).norm(dim=-1)
    assert (moved <= 1.5 * 3**0.5 * gaussians.scales.amax(-1) + 1e-5).all()


@pytest.mark.parametrize("times", [1, 2])
def test_refinement_does_not_care_how_large_the_gradients_are(times: int) -> None:
    model, lifted = _model(), _lifted(2)
    with torch.no_grad():
        prepared = model.prepare([lifted])
        first = model.predict(prepared)
        gradients = torch.randn(len(first[0]), CHANNELS, generator=torch.Generator().manual_seed(times))
        (a,), (b,) = (model.refine(0, prepared, first, [gradients * factor]) for factor in (1e-6, 1e3))
    assert torch.allclose(a.colors, b.colors, atol=1e-4)
