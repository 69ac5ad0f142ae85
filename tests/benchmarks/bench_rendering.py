"""How fast the renderer is: prints a Markdown table.

    python tests/benchmarks/bench_rendering.py [--quick]

On the CPU against a straightforward tile renderer in torch alone; where there is a GPU also there, against gsplat
called directly, so that the renderer's own overhead shows. Every row runs in its own process, for its peak memory.
Times are the best of several: the least disturbed.
"""

import argparse
import math
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from flux4d_core.geometry import invert, pixel_centers
from flux4d_core.rendering.layers import BLUR, FAR, NEAR
from flux4d_core.rendering.render import compile_kernels, describe_backend, draw
from flux4d_core.types import Camera, Rendering, Snapshot

Renderer = Callable[[Snapshot, Camera], Rendering]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    renderer: str
    num_gaussians: int
    width: int
    height: int
    size: float
    """Times the spacing of LiDAR returns; 1: as an untrained network gives them, 0.35: as a trained one does."""


@dataclass(frozen=True)
class Measurement:
    forward_ms: float
    both_ms: float
    peak_mb: float


def street(num_gaussians: int, size: float) -> Snapshot:
    """Ground, walls and cars as a LiDAR samples them: density falls with the square of the range, scales grow."""
    g = torch.Generator().manual_seed(0)
    num_ground, num_wall = int(num_gaussians * 0.55), int(num_gaussians * 0.35)
    num_car = num_gaussians - num_ground - num_wall

    def uniform(n: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=g)

    ranges, azimuths = 3 + 77 * torch.rand(num_ground, generator=g) ** 1.5, uniform(num_ground, -math.pi, math.pi)
    ground = torch.stack([ranges * azimuths.cos(), ranges * azimuths.sin(), uniform(num_ground, -1.85, -1.75)], 1)
    sides = torch.where(torch.rand(num_wall, generator=g) > 0.5, 12.0, -12.0) + uniform(num_wall, -0.5, 0.5)
    wall = torch.stack([uniform(num_wall, -60, 80), sides, uniform(num_wall, -1.8, 8.2)], 1)
    places = torch.stack([uniform(20, -40, 60), uniform(20, -7, 7), torch.full((20,), -1.0)], 1)
    corners = torch.rand(num_car, 3, generator=g) - 0.5
    car = places[torch.randint(20, (num_car,), generator=g)] + corners * torch.tensor([4.5, 1.9, 1.6])

    means = torch.cat([ground, wall, car])[torch.randperm(num_gaussians, generator=g)]
    spacing = (0.015 * means.norm(dim=1)).clamp(0.03, 0.6) * math.sqrt(100_000 / num_gaussians)
    return Snapshot(
        means,
        torch.randn(num_gaussians, 4, generator=g),
        size * spacing[:, None] * torch.exp(0.35 * torch.randn(num_gaussians, 3, generator=g)),
        torch.sigmoid(1 + 1.2 * torch.randn(num_gaussians, generator=g)),
        torch.rand(num_gaussians, 3, generator=g),
        torch.randn(num_gaussians, 3, generator=g),
    )


def front_camera(width: int, height: int) -> Camera:
    focal = 0.5 * width / math.tan(math.radians(35))
    K = torch.tensor([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    pose = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    return Camera(K, pose, width, height, 0.0)


def draw_with_torch(snapshot: Snapshot, camera: Camera) -> Rendering:
    """The baseline: torch alone, tile after tile, every splat that reaches a tile in all of its pixels."""
    from gsplat.cuda._torch_impl import _fully_fused_projection, _quat_scale_to_covar_preci

    covariances, _ = _quat_scale_to_covar_preci(snapshot.quats, snapshot.scales, True, False)
    radii, centers, depths, conics, _ = _fully_fused_projection(
        snapshot.means,
        covariances,  # pyright: ignore[reportArgumentType]
        invert(camera.camera_to_world)[None],
        camera.K[None],
        camera.width,
        camera.height,
        eps2d=BLUR,
        near_plane=NEAR,
        far_plane=FAR,
    )
    seen = (radii[0] > 0).all(-1).nonzero().squeeze(1)
    seen = seen[depths[0, seen].argsort()]
    centers, depths, conics, radii = centers[0, seen], depths[0, seen], conics[0, seen], radii[0, seen]
    features = torch.cat([snapshot.colors[seen], depths[:, None], snapshot.velocities[seen]], 1)
    features = torch.cat([features, torch.ones_like(depths)[:, None]], 1)
    low, high = centers.detach() - radii, centers.detach() + radii
    opacities = snapshot.opacities[seen]
    pixels = pixel_centers(camera.width, camera.height)
    rows = []
    for y in range(0, camera.height, 16):
        in_row = ((high[:, 1] > y) & (low[:, 1] < y + 16)).nonzero().squeeze(1)
        tiles = []
        for x in range(0, camera.width, 16):
            here = in_row[(high[in_row, 0] > x) & (low[in_row, 0] < x + 16)]
            tile = pixels[y : y + 16, x : x + 16]
            drawn = _blend(tile.reshape(-1, 2), centers[here], conics[here], opacities[here], features[here])
            tiles.append(drawn.view(*tile.shape[:2], 8))
        rows.append(torch.cat(tiles, 1))
    colors, depth_sums, velocities, alphas = torch.cat(rows).split([3, 1, 3, 1], -1)
    return Rendering(colors, (depth_sums / alphas.clamp(min=0.05))[..., 0], alphas[..., 0], velocities)


def _blend(pixels: Tensor, centers: Tensor, conics: Tensor, opacities: Tensor, features: Tensor) -> Tensor:
    if len(centers) == 0:
        return torch.zeros(len(pixels), 8)
    dx, dy = (pixels[:, None] - centers).unbind(-1)
    power = 0.5 * (conics[:, 0] * dx * dx + conics[:, 2] * dy * dy) + conics[:, 1] * dx * dy
    alphas = (opacities * torch.exp(-power)).clamp(max=0.999)
    alphas = torch.where((alphas < 1 / 255) | (power < 0), 0.0, alphas)
    after = torch.cumprod(1 - alphas, 1)
    before = torch.cat([torch.ones_like(after[:, :1]), after[:, :-1]], 1)
    return (alphas * before * (after > 1e-4)) @ features


def draw_with_gsplat(snapshot: Snapshot, camera: Camera) -> Rendering:
    """The baseline on a GPU: gsplat's own call and nothing else."""
    from gsplat import rasterization

    features, alphas, _ = rasterization(
        snapshot.means,
        snapshot.quats,
        snapshot.scales,
        snapshot.opacities,
        torch.cat([snapshot.colors, snapshot.velocities], 1),
        viewmats=invert(camera.camera_to_world)[None],
        Ks=camera.K[None],
        width=camera.width,
        height=camera.height,
        near_plane=NEAR,
        far_plane=FAR,
        render_mode="RGB+D",
    )
    return Rendering(features[0, ..., :3], features[0, ..., 6], alphas[0, ..., 0], features[0, ..., 3:6])


RENDERERS: dict[str, tuple[Renderer, str]] = {
    "torch alone, CPU": (draw_with_torch, "cpu"),
    "flux4d, CPU": (lambda snapshot, camera: draw(snapshot, None, camera, backend="cpu"), "cpu"),
    "gsplat alone, GPU": (draw_with_gsplat, "cuda"),
    "flux4d, GPU": (lambda snapshot, camera: draw(snapshot, None, camera, backend="cuda"), "cuda"),
}


def best_ms(work: Callable[[], object], seconds: float, on_gpu: bool) -> float:
    """The best time of `work`, repeated for about `seconds`, but at least twice."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 2 or time.perf_counter() < end:
        if on_gpu:
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            torch.cuda.synchronize()
            start.record()
            work()
            stop.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(stop))
        else:
            begin = time.perf_counter()
            work()
            times.append((time.perf_counter() - begin) * 1e3)
    return min(times)


def measure(row: Row, seconds: float, threads: int) -> Measurement:
    """Time one renderer on one scene: the picture alone, and with gradients of all of it over all parameters."""
    torch.set_num_threads(threads)
    renderer, device = RENDERERS[row.renderer]
    on_gpu = device == "cuda"
    compile_kernels(device=device)
    scene, camera = street(row.num_gaussians, row.size), front_camera(row.width, row.height).to(device)
    leaves = {f.name: getattr(scene, f.name).to(device) for f in fields(scene)}

    def forward() -> None:
        with torch.no_grad():
            renderer(replace(scene, **leaves), camera)

    def both() -> None:
        own = {name: leaf.detach().requires_grad_() for name, leaf in leaves.items()}
        rendering = renderer(replace(scene, **own), camera)
        velocities = rendering.velocities
        assert velocities is not None
        total = rendering.colors.sum() + rendering.depths.sum() + rendering.alphas.sum() + velocities.sum()
        total.backward()

    forward_ms = best_ms(forward, seconds, on_gpu)
    both_ms = best_ms(both, seconds, on_gpu)
    if on_gpu:
        return Measurement(forward_ms, both_ms, torch.cuda.max_memory_allocated() / 2**20)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Measurement(forward_ms, both_ms, kilobytes / 1024)


def table_rows(quick: bool) -> list[Row]:
    """What this machine can be asked: the CPU's rows, and a GPU's where gsplat works on one."""
    scenes = [(100_000, 480, 270), (300_000, 480, 270), (300_000, 960, 540)]
    sizes, devices = [0.35, 1.0], ["cpu"]
    if torch.cuda.is_available() and describe_backend("cuda").name == "cuda":
        devices.append("cuda")
        scenes.append((1_000_000, 1920, 1080))
    if quick:
        scenes, sizes = [(20_000, 320, 180)], [0.35]
    return [
        Row(name, *scene, size)
        for scene in scenes
        for size in sizes
        for name, (_, device) in RENDERERS.items()
        # Torch alone would take many minutes on the largest.
        if device in devices and not (name == "torch alone, CPU" and scene[0] > 300_000)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the renderer and print a Markdown table.")
    parser.add_argument("--quick", action="store_true", help="one small scene, one second a row")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    arguments = parser.parse_args()
    rows = table_rows(arguments.quick)
    print(f"{arguments.threads} CPU threads, torch {torch.__version__}; best of several, with velocities and depth")
    print("| Gaussians | image | size | renderer | forward (ms) | forward + backward (ms) | peak memory (MB) |")
    print("|---|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for row in rows:
        with context.Pool(1) as pool:
            result = pool.apply(measure, (row, 1.0 if arguments.quick else 3.0, arguments.threads))
        print(
            f"| {row.num_gaussians:,} | {row.width}x{row.height} | {row.size} | {row.renderer} "
            f"| {result.forward_ms:.1f} | {result.both_ms:.1f} | {result.peak_mb:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
