"""The scene made of a log that was read is the scene made of the street, after the format has rounded it.

Every test prints what the format itself costs: the scene beside that of the street as it was simulated (`pytest -s`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from every_format import writers
from jaxtyping import Float64
from numpy import ndarray
from quantised import REFERENCES, written_street
from scipy.spatial import KDTree
from street import street

from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.data.poses import invert, transform
from flux4d_core.data.window import Window, cut
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.reconstruction.clip import ReconstructionConfig
from flux4d_core.reconstruction.drive import SceneConfig, make_scene_of
from flux4d_core.rendering.render import render
from flux4d_core.scene.scene import Scene

WINDOW = Window(duration=0.3)
METERS, GREY_LEVELS, PICTURE_GREY_LEVELS = 0.001, 1.0, 0.5
STRAYS, NUMBER = 0.001, 2
"""How many Gaussians may lie elsewhere (a share), and by how many two scenes may differ in number.

A return may move over a cell's edge by a rounding of micrometres, and completed depth jumps at the edges of things.
"""
MORE_STRAYS = {
    "colmap": (0.005, "the cloud is sparse and has no turn: more returns lie at the edges of cells"),
    "nerfstudio": (0.005, "the cloud is sparse and has no turn: more returns lie at the edges of cells"),
    "ncore": (0.005, "poses on straight lines between stamps of whole microseconds: 0.03 mm"),
    "waymo": (0.02, "each pixel's pose is float32 in the global frame, kilometres off: 0.1 mm"),
}
NOT_REFINED = SceneConfig(reconstruction=ReconstructionConfig(refinements=0))
"""Motion and looks at the first go: refinement takes seconds, and sees the same images again."""


@dataclass(frozen=True)
class Difference:
    """Between two scenes, as the first image's camera sees them: a format may have an origin of its own."""

    number: int
    strays: float
    """Share of Gaussians that have no partner within `METERS` and `GREY_LEVELS`."""
    meters: float
    """Median distance to the nearest Gaussian of the other scene."""
    grey_levels: float
    """Between pictures of the first camera in the middle of the window: mean."""
    psnr: float


def scene_of(log: Log, with_network: bool) -> Scene:
    checkpoint = load_checkpoint(default_weights()) if with_network else None
    return make_scene_of(cut(log, WINDOW), checkpoint, NOT_REFINED, torch.device("cpu"))


@lru_cache(maxsize=4)
def expected_scene(format: str, with_network: bool) -> Scene:
    same = next(other for other, reference in REFERENCES.items() if reference is REFERENCES[format])
    return expected_scene(same, with_network) if same != format else scene_of(rounded_street(format), with_network)


def rounded_street(format: str) -> Log:
    return REFERENCES[format](written_street(format))


@lru_cache(maxsize=1)
def plain_scene() -> Scene:
    return scene_of(street(), False)


def difference(ours: Scene, theirs: Scene) -> Difference:
    (points, colors), (expected, expected_colors) = seen(ours), seen(theirs)
    own = np.concatenate([points / METERS, colors / GREY_LEVELS], -1)
    other = np.concatenate([expected / METERS, expected_colors / GREY_LEVELS], -1)
    apart, _ = KDTree(other).query(own, p=np.inf, distance_upper_bound=1.0)
    nearest, _ = KDTree(expected).query(points)
    pictures = [picture(scene) for scene in (ours, theirs)]
    error = pictures[0] - pictures[1]
    return Difference(
        number=len(points) - len(expected),
        strays=float(np.isinf(apart).mean()),
        meters=float(np.median(nearest)),
        grey_levels=float(np.abs(error).mean()),
        psnr=float(20 * np.log10(255 / max(np.sqrt((error**2).mean()), 1e-3))),
    )


def seen(scene: Scene) -> tuple[Float64[ndarray, "N 3"], Float64[ndarray, "N 3"]]:
    """Means in the first camera's axes, and colours as grey levels."""
    from_camera = scene.frames[0].camera.camera_to_world.double().numpy()
    means = transform(invert(from_camera), scene.gaussians.means.double().numpy())
    return means, scene.gaussians.colors.double().numpy() * 255


def picture(scene: Scene) -> Float64[ndarray, "height width 3"]:
    """What the front camera sees in the middle."""
    of_front = [frame for frame in scene.frames if frame.sensor == scene.frames[0].sensor]
    camera = of_front[len(of_front) // 2].camera
    return render(scene.gaussians, scene.sky, camera).colors.double().clamp(0, 1).numpy() * 255


def read_again(format: str, root: Path) -> Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return open_log(writers()[format](written_street(format), root))


@pytest.mark.parametrize("format", sorted(REFERENCES))
def test_the_lifted_scene_is_that_of_the_rounded_street(format: str, tmp_path: Path) -> None:
    scene = scene_of(read_again(format, tmp_path), False)
    found = difference(scene, expected_scene(format, False))
    most, _ = MORE_STRAYS.get(format, (STRAYS, ""))
    assert abs(found.number) <= NUMBER, found
    assert found.strays <= most, found
    assert found.grey_levels <= PICTURE_GREY_LEVELS, found
    plain = difference(scene, plain_scene())
    print(
        f"\n{format:10s} {found.number:+3d} Gaussians, {100 * found.strays:5.3f} % elsewhere, "
        f"{found.grey_levels:5.3f} grey levels; beside the street as it was: {plain.number:+6d}, "
        f"{1000 * plain.meters:7.2f} mm, {plain.psnr:5.1f} dB"
    )


def test_the_network_makes_the_same_scene_of_it(tmp_path: Path) -> None:
    """Of KITTI-360, whose track of the vehicle is the street's own.

    A return that crosses a voxel's edge moves what the network says around it by a little; so the median counts.
    """
    found = difference(scene_of(read_again("kitti360", tmp_path), True), expected_scene("kitti360", True))
    assert found.number == 0, found
    assert found.meters <= METERS, found
    assert found.grey_levels <= PICTURE_GREY_LEVELS, found


def test_every_format_has_its_reference() -> None:
    assert set(REFERENCES) == set(writers()) and set(MORE_STRAYS) <= set(REFERENCES)


def test_a_street_ten_millimetres_further_or_ten_grey_levels_darker_is_another_scene() -> None:
    scene = plain_scene()
    moved = replace(scene, gaussians=replace(scene.gaussians, means=scene.gaussians.means + 0.01))
    darker = replace(scene, gaussians=replace(scene.gaussians, colors=scene.gaussians.colors - 10 / 255))
    same, apart, dark = (difference(scene, other) for other in (scene, moved, darker))
    assert (same.strays, same.meters, same.grey_levels) == (0, 0, 0)
    assert apart.strays > 0.5 and dark.strays > 0.5 and dark.grey_levels > 5
