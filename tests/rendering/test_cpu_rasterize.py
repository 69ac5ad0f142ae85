import os
import subprocess
import sys
import threading
from dataclasses import fields
from pathlib import Path

import brute_force
import pytest
import torch
from splat_scenes import crowd, forward_camera
from torch import Tensor

from flux4d_core.rendering.cpu.rasterize import rasterize
from flux4d_core.types import Snapshot

NAMES = [f.name for f in fields(Snapshot)]


def picture(snapshot: Snapshot) -> Tensor:
    """(height, width, 8), laid out as the brute force's."""
    layers = rasterize(snapshot, forward_camera())
    return torch.cat([layers.colors, layers.depth_sums[..., None], layers.velocities, layers.alphas[..., None]], -1)


def leaves(snapshot: Snapshot, dtype: torch.dtype = torch.float32) -> Snapshot:
    return Snapshot(*(getattr(snapshot, name).to(dtype).clone().requires_grad_() for name in NAMES))


SCENES = {
    "see-through": crowd(600, seed=0, spread=0.5, opaque=0.0),
    "small and solid": crowd(600, seed=1, spread=0.1, opaque=4.0),
    "large and solid": crowd(600, seed=2, spread=1.0, opaque=4.0),
    "huge": crowd(200, seed=3, spread=4.0, opaque=2.0),
}


@pytest.mark.parametrize("scene", SCENES)
def test_pictures_and_gradients_are_those_of_the_brute_force(scene: str) -> None:
    fast, exact = leaves(SCENES[scene]), leaves(SCENES[scene], torch.float64)
    drawn, expected = picture(fast), brute_force.rasterize(exact, forward_camera())
    errors = (drawn - expected).detach().abs()
    errors[..., 3] /= expected[..., 3].detach().clamp(min=1)
    # Rounding may tip a threshold (1/255, 1e-4) in a pixel: any two renderers differ so, but rarely.
    num_tipped = int((errors.amax(-1) > 1e-3).sum())
    assert num_tipped <= 3, f"{num_tipped} of {errors[..., 0].numel()} pixels differ by more than 1e-3"
    assert errors.median() < 1e-6

    weights = torch.randn(drawn.shape, generator=torch.Generator().manual_seed(5))
    (drawn * weights).sum().backward()
    (expected * weights).sum().backward()
    for name in NAMES:
        gradient, reference = getattr(fast, name).grad, getattr(exact, name).grad
        assert (gradient - reference).norm() < 1e-3 * reference.norm(), name


def test_without_gradients_the_picture_is_the_same_to_the_bit() -> None:
    scene = SCENES["see-through"]
    with torch.no_grad():
        plain = picture(scene)
    assert torch.equal(plain, picture(leaves(scene)).detach())


def picture_and_gradients(scene: Snapshot) -> list[Tensor]:
    own = leaves(scene)
    drawn = picture(own)
    drawn.square().sum().backward()
    return [drawn.detach(), *(getattr(own, name).grad for name in NAMES)]


def test_pictures_and_gradients_repeat_to_the_bit_whatever_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 2):
            torch.set_num_threads(count)
            results.append(picture_and_gradients(SCENES["see-through"]))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_the_order_of_the_gaussians_does_not_matter() -> None:
    scene = SCENES["see-through"]
    shuffled = scene[torch.randperm(len(scene), generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(picture(scene), picture(shuffled), atol=1e-6, rtol=0)


def test_gaussians_out_of_view_change_nothing() -> None:
    scene = SCENES["see-through"]
    ahead = (scene.means[:, 0] > 0) & (scene.means[:, 1].abs() < 3 * scene.means[:, 0] + 20)
    assert int((~ahead).sum()) > 0
    torch.testing.assert_close(picture(scene), picture(scene[ahead]), atol=1e-6, rtol=0)


def draw_in_two_threads() -> list[int]:
    """Which scenes came out wrong."""
    scenes = [SCENES["see-through"], SCENES["large and solid"]]
    expected = [picture_and_gradients(scene) for scene in scenes]
    wrong: list[int] = []

    def work(which: int) -> None:
        for _ in range(10):
            results = picture_and_gradients(scenes[which])
            if not all(torch.equal(a, b) for a, b in zip(results, expected[which], strict=True)):
                wrong.append(which)

    workers = [threading.Thread(target=work, args=(which,)) for which in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return wrong


def test_two_threads_that_draw_at_once_both_get_their_pictures() -> None:
    assert draw_in_two_threads() == []


def test_two_threads_do_so_on_numbas_layer_that_aborts_when_used_by_two_at_once() -> None:
    code = "import test_cpu_rasterize as t; print(t.draw_in_two_threads())"
    search = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    layer = {**os.environ, "NUMBA_THREADING_LAYER": "workqueue", "PYTHONPATH": search}
    done = subprocess.run([sys.executable, "-c", code], env=layer, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr[-500:]


def test_a_picture_changed_in_place_before_its_gradient_is_refused() -> None:
    own = leaves(SCENES["see-through"])
    layers = rasterize(own, forward_camera())
    with torch.no_grad():
        layers.alphas.mul_(0)
    with pytest.raises(RuntimeError, match="modified inplace"):
        layers.colors.sum().backward()
