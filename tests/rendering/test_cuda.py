"""What only a machine with an NVIDIA GPU can show: gsplat and our kernels draw the same."""

from collections.abc import Callable
from dataclasses import fields, replace

import brute_force
import pytest
import torch
from splat_scenes import ball, crowd, forward_camera
from torch import Tensor

from flux4d_core.errors import Flux4dError
from flux4d_core.rendering import cuda, render
from flux4d_core.rendering.render import Shots, describe_backend, draw, render_scenes, render_views
from flux4d_core.types import Camera, Gaussians, Rendering, Sky, Snapshot

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device"),
]
NAMES = [field.name for field in fields(Snapshot)]


@pytest.fixture
def gsplat_works() -> None:
    if (fault := cuda.find_fault()) is not None:
        pytest.skip(fault)


def on_gpu(snapshot: Snapshot, requires_grad: bool = False) -> Snapshot:
    return Snapshot(*(getattr(snapshot, name).cuda().requires_grad_(requires_grad) for name in NAMES))


def gpu_camera() -> Camera:
    return forward_camera().to("cuda")


def stacked(rendering: Rendering) -> Tensor:
    assert rendering.velocities is not None
    depths = rendering.depths[..., None] / 10
    return torch.cat([rendering.colors, depths, rendering.velocities, rendering.alphas[..., None]], -1)


SCENES = {
    "see-through": crowd(600, seed=0, spread=0.5, opaque=0.0),
    "small and solid": crowd(600, seed=1, spread=0.1, opaque=4.0),
    "large and solid": crowd(600, seed=2, spread=1.0, opaque=4.0),
}


@pytest.mark.usefixtures("gsplat_works")
@pytest.mark.parametrize("scene", SCENES)
def test_gsplat_draws_what_the_brute_force_draws(scene: str) -> None:
    layers = cuda.rasterize(on_gpu(SCENES[scene]), gpu_camera())
    drawn = torch.cat([layers.colors, layers.depth_sums[..., None], layers.velocities, layers.alphas[..., None]], -1)
    expected = brute_force.rasterize(SCENES[scene], forward_camera())
    errors = (drawn.cpu() - expected).abs()
    errors[..., 3] /= expected[..., 3].clamp(min=1)
    num_tipped = int((errors.amax(-1) > 1e-3).sum())
    assert num_tipped <= 10, f"{num_tipped} of {errors[..., 0].numel()} pixels differ by more than 1e-3"


@pytest.mark.usefixtures("gsplat_works")
@pytest.mark.parametrize("scene", SCENES)
def test_both_backends_give_the_same_picture_and_gradients(scene: str) -> None:
    sky = Sky(torch.rand(8, 16, 3, generator=torch.Generator().manual_seed(0)).cuda())
    results = {}
    for backend in ("cuda", "cpu"):
        own = on_gpu(SCENES[scene], requires_grad=True)
        rendering = draw(own, sky, gpu_camera(), backend=backend)
        weights = torch.randn(49, 65, 8, generator=torch.Generator().manual_seed(5)).cuda()
        (stacked(rendering) * weights).sum().backward()
        results[backend] = stacked(rendering).detach(), [getattr(own, name).grad for name in NAMES]
    (on_cuda, cuda_gradients), (on_cpu, cpu_gradients) = results["cuda"], results["cpu"]
    num_tipped = int(((on_cuda - on_cpu).abs().amax(-1) > 1e-3).sum())
    assert num_tipped <= 10, f"{num_tipped} of {49 * 65} pixels differ by more than 1e-3"
    for name, a, b in zip(NAMES, cuda_gradients, cpu_gradients, strict=True):
        # gsplat finds transmittances by dividing back to front, in float32: good to two digits behind solid things.
        assert (a - b).norm() < 2e-2 * b.norm(), name


@pytest.mark.usefixtures("gsplat_works")
def test_gaussians_on_a_gpu_are_drawn_there() -> None:
    assert describe_backend("cuda").name == "cuda"
    rendering = draw(on_gpu(ball()), None, gpu_camera())
    assert rendering.colors.is_cuda
    assert rendering.depths[24, 32].item() == pytest.approx(10.0, rel=1e-4)


@pytest.mark.usefixtures("gsplat_works")
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_first_picture_may_be_asked_for_without_gradients(mode: Callable) -> None:
    cuda.find_fault.cache_clear()
    with mode():
        assert cuda.find_fault() is None
        assert draw(on_gpu(ball()), None, gpu_camera()).colors.is_cuda


@pytest.mark.usefixtures("gsplat_works")
def test_broken_gaussians_are_left_out_by_gsplat_too() -> None:
    whole = crowd(50, seed=0)
    others = draw(on_gpu(whole[torch.arange(50) != 7]), None, gpu_camera()).colors
    for name in NAMES:
        values = getattr(whole, name).clone()
        values[7] = float("nan")
        broken = on_gpu(replace(whole, **{name: values}), requires_grad=True)
        colors = draw(broken, None, gpu_camera()).colors
        torch.testing.assert_close(colors.detach(), others)
        colors.sum().backward()
        assert getattr(broken, name).grad.isfinite().all(), name


@pytest.mark.usefixtures("gsplat_works")
@pytest.mark.parametrize("position", [(-10.0, 0.0, 0.0), (10.0, 1000.0, 0.0)])
def test_nothing_in_view_can_be_drawn_and_differentiated(position: tuple[float, float, float]) -> None:
    own = on_gpu(ball(position), requires_grad=True)
    rendering = draw(own, None, gpu_camera())
    assert rendering.alphas.max() == 0
    rendering.colors.sum().backward()
    assert (own.means.grad == 0).all()


@pytest.mark.usefixtures("gsplat_works")
def test_no_gaussians_at_all_can_be_drawn_and_differentiated() -> None:
    nothing = on_gpu(ball()[torch.zeros(0, dtype=torch.long)], requires_grad=True)
    rendering = draw(nothing, None, gpu_camera())
    assert rendering.colors.shape == (49, 65, 3)
    rendering.colors.sum().backward()


def test_a_gpu_without_gsplat_is_served_by_the_cpu_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "find_fault", lambda: "gsplat failed (ImportError: for this test)")
    render._warn_once.cache_clear()
    own = on_gpu(SCENES["see-through"], requires_grad=True)
    with pytest.warns(RuntimeWarning, match="Drawing on the CPU, which is slow: gsplat failed") as caught:
        rendering = draw(own, None, gpu_camera())
        draw(own, None, gpu_camera())
    assert len(caught) == 1
    assert rendering.colors.is_cuda
    rendering.colors.sum().backward()
    assert own.means.grad is not None
    assert own.means.grad.is_cuda
    expected = draw(SCENES["see-through"], None, forward_camera()).colors
    torch.testing.assert_close(rendering.colors.detach().cpu(), expected)
    with pytest.raises(Flux4dError, match="for this test"):
        draw(own, None, gpu_camera(), backend="cuda")


def test_a_camera_left_on_the_cpu_is_refused() -> None:
    with pytest.raises(Flux4dError, match="means on cuda:0 but the camera's K on cpu"):
        draw(on_gpu(ball()), None, forward_camera())


@pytest.mark.usefixtures("gsplat_works")
def test_several_views_drawn_together_are_the_pictures_drawn_one_by_one_with_their_gradients() -> None:
    snapshots = [on_gpu(SCENES["see-through"], requires_grad=True) for _ in range(3)]
    cameras = [gpu_camera()] * 3
    weights = torch.randn(49, 65, 3, generator=torch.Generator().manual_seed(5)).cuda()
    together = cuda.rasterize_views(snapshots, cameras)
    torch.stack([(layers.colors * weights).sum() for layers in together]).sum().backward()
    alone = on_gpu(SCENES["see-through"], requires_grad=True)
    single = cuda.rasterize(alone, gpu_camera())
    (single.colors * weights).sum().backward()
    for layers, snapshot in zip(together, snapshots, strict=True):
        torch.testing.assert_close(layers.colors, single.colors, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(snapshot.means.grad, alone.means.grad, atol=1e-4, rtol=1e-3)


def test_views_drawn_together_are_those_drawn_in_turn() -> None:
    cameras = [gpu_camera(), replace(gpu_camera(), time=0.5), replace(gpu_camera(), time=-0.5)]
    whole = many_gaussians()
    results = []
    for together in (True, False):
        means = whole.means.clone().requires_grad_(True)
        own = replace(whole, means=means)
        views = (
            render_views(own, None, cameras) if together else [render.render(own, None, camera) for camera in cameras]
        )
        colors = torch.stack([view.colors for view in views])
        (colors * torch.arange(3, device="cuda")[:, None, None, None]).sum().backward()
        results.append((colors.detach(), means.grad))
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(results[0][1], results[1][1], atol=1e-3, rtol=1e-3)
    assert (results[0][0][1] - results[0][0][2]).abs().max() > 0.1, "the Gaussians moved between the views"


def test_scenes_of_different_sizes_drawn_together_are_those_drawn_alone() -> None:
    sky = Sky(torch.rand(8, 16, 3, generator=torch.Generator().manual_seed(1)).cuda())
    cameras = [gpu_camera(), replace(gpu_camera(), time=0.5)]
    whole = many_gaussians()
    scenes = [Shots(whole[:100], sky, cameras[:1]), Shots(whole, None, cameras)]
    together = render_scenes(scenes)
    assert [len(pictures) for pictures in together] == [1, 2]
    for scene, pictures in zip(scenes, together, strict=True):
        for camera, picture in zip(scene.cameras, pictures, strict=True):
            alone = render.render(scene.gaussians, scene.sky, camera)
            torch.testing.assert_close(picture.colors, alone.colors, atol=1e-5, rtol=0)
            torch.testing.assert_close(picture.depths, alone.depths, atol=1e-3, rtol=1e-4)


def test_a_gaussian_that_has_faded_in_one_view_is_there_in_the_next() -> None:
    fading = many_gaussians()
    fading = replace(fading, lifespans=torch.full_like(fading.times, 0.1))
    cameras = [replace(gpu_camera(), time=5.0), gpu_camera()]
    late, now = render_views(fading, None, cameras)
    assert late.alphas.max() == 0
    torch.testing.assert_close(now.colors, render.render(fading, None, cameras[1]).colors)
    assert now.alphas.max() > 0.9


def many_gaussians() -> Gaussians:
    """500 small Gaussians 10 m ahead that drive to the right at 4 m/s."""
    generator = torch.Generator().manual_seed(3)

    def dice(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    count = 500
    zeros = torch.zeros(count, 3)
    return Gaussians(
        means=(dice(count, 3) - 0.5) * 6 + torch.tensor([10.0, 0.0, 0.0]),
        quats=torch.nn.functional.normalize(torch.randn(count, 4, generator=generator), dim=-1),
        scales=0.05 + 0.2 * dice(count, 3),
        opacities=0.2 + 0.6 * dice(count),
        colors=dice(count, 3),
        times=torch.zeros(count),
        velocities=zeros + torch.tensor([0.0, -4.0, 0.0]),
        accelerations=zeros,
        lifespans=torch.full((count,), torch.inf),
        sweep_index=torch.zeros(count, dtype=torch.long),
        sensor_index=torch.zeros(count, dtype=torch.long),
    ).to("cuda")
