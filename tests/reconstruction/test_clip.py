"""One window of a drive -> moving Gaussians."""

from dataclasses import replace

import pytest
import torch
from toy_clip import toy_clip

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.unet import UNetConfig
from flux4d_core.progress import Cancelled
from flux4d_core.reconstruction import drive
from flux4d_core.reconstruction.clip import ReconstructionConfig, reconstruct
from flux4d_core.reconstruction.drive import SceneConfig, make_scene_of
from flux4d_core.types import Clip, Lifted

CONFIG = ReconstructionConfig(lift=LiftConfig(panorama_height=64))


def _model(children: int = 1) -> Reconstructor:
    torch.manual_seed(0)
    small = UNetConfig(channels=(8, 16))
    return Reconstructor(ReconstructorConfig(unet=small, refine_unet=small, head_width=16, children=children)).eval()


def test_an_untrained_network_leaves_the_lifted_scene_almost_as_it_is() -> None:
    clip = toy_clip(frames=3)
    lifted = lift(clip, CONFIG.lift).gaussians
    made = reconstruct(clip, _model(), CONFIG).gaussians
    assert (made.means - lifted.means).norm(dim=-1).max() < 0.05
    assert (made.colors - lifted.colors).abs().max() < 0.05
    assert made.velocities.norm(dim=-1).max() < 0.5
    assert torch.equal(made.times, lifted.times)


def test_every_lifted_gaussian_can_have_three_children() -> None:
    clip = toy_clip(frames=2)
    count = len(lift(clip, CONFIG.lift).gaussians)
    made = reconstruct(clip, _model(children=3), CONFIG).gaussians
    assert len(made) == 3 * count
    assert torch.equal(made.times[0::3], made.times[2::3])
    assert not torch.equal(made.means[0::3], made.means[1::3])


def test_the_same_clip_gives_the_same_scene_twice() -> None:
    clip = toy_clip(frames=2)
    one, two = (reconstruct(clip, _model(), CONFIG).gaussians for _ in range(2))
    assert torch.equal(one.means, two.means)
    assert torch.equal(one.velocities, two.velocities)


def test_accelerations_can_be_switched_off() -> None:
    clip = toy_clip(frames=2)
    config = replace(CONFIG, settle_motion=False)
    one, two = (reconstruct(clip, _model(), replace(config, accelerations=on)).gaussians for on in (True, False))
    assert one.accelerations.abs().max() > 0
    assert two.accelerations.abs().max() == 0
    assert torch.equal(one.velocities, two.velocities)


def test_no_gaussian_grows_into_a_smear() -> None:
    model = _model()
    with torch.no_grad():
        for name, values in model.named_parameters():
            if name.startswith("refiners") and name.endswith("head.4.bias"):
                values[7:10] = 20.0  # of the log-scales
    clip = toy_clip(frames=2)
    grown = reconstruct(clip, model, CONFIG).gaussians.scales
    lifted = lift(clip, CONFIG.lift).gaussians.scales
    assert bool((grown <= 1.2 * lifted.amax(-1, keepdim=True) + 1e-6).all())
    assert bool((grown <= 4 * lifted + 1e-6).all())
    assert bool((grown > 1.1 * lifted.amin(-1, keepdim=True)).any()), "they may grow"


def test_cancelling_stops_the_work() -> None:
    def report(stage: str, fraction: float) -> None:
        if stage.startswith("Predicting"):
            raise Cancelled

    with pytest.raises(Cancelled):
        reconstruct(toy_clip(frames=2), _model(), CONFIG, report)


def test_without_weights_the_scene_is_the_lifted_one_and_says_so() -> None:
    scene = make_scene_of(toy_clip(frames=2), None, SceneConfig(CONFIG), torch.device("cpu"))
    assert scene.provenance.method == "lifted"
    assert scene.provenance.weights == ""
    assert scene.grouping.actors == ()
    assert len(scene.frames) == 2


def test_where_memory_is_short_the_scene_is_made_coarser_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    cells: list[int] = []

    def short_of_memory(clip: Clip, config: LiftConfig, report: object) -> Lifted:
        cells.append(config.cell)
        if len(cells) < 3:
            raise torch.OutOfMemoryError
        return lift(clip, config)

    monkeypatch.setattr(drive, "lift", short_of_memory)
    with pytest.warns(drive.MemoryWarning, match="memory is not enough"):
        scene = make_scene_of(toy_clip(frames=2), None, SceneConfig(CONFIG), torch.device("cpu"))
    assert cells == [4, 6, 8]
    assert len(scene.gaussians) > 100


def test_where_memory_never_suffices_the_error_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Lifted:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(drive, "lift", never)
    with pytest.warns(drive.MemoryWarning), pytest.raises(torch.OutOfMemoryError):
        make_scene_of(toy_clip(frames=2), None, SceneConfig(CONFIG), torch.device("cpu"))
