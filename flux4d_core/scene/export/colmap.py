"""Recorded cameras, images and points of what stands, laid out as COLMAP's text model.

Format: https://colmap.github.io/format.html. nerfstudio, Inria's 3D Gaussian Splatting and others train on such
folders.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from flux4d_core.geometry import invert, rotations_to_quats
from flux4d_core.progress import Report, silent
from flux4d_core.scene.export.names import folder_written_whole
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Frame

MAX_POINTS = 200_000
STILL = 0.1
"""Faster Gaussians are no points of what stands (m/s)."""
JPEG_QUALITY = 95


def write_colmap(stage: Stage, folder: Path, report: Report = silent) -> None:
    """Save images/ and sparse/0/ with cameras.txt, images.txt and points3D.txt in a new folder; metres, z up.

    Points are the most opaque Gaussians that stand.

    Raises:
        Flux4dError: the folder has something in it.
    """
    frames = stage.scene.frames
    with folder_written_whole(folder) as temporary:
        model = temporary / "sparse" / "0"
        model.mkdir(parents=True)
        (temporary / "images").mkdir()
        for i, frame in enumerate(frames):
            report("Writing images", i / len(frames))
            Image.fromarray(frame.image.cpu().numpy()).save(
                temporary / "images" / _file_of(i), "JPEG", quality=JPEG_QUALITY
            )
        about = "".join(f"# {' '.join(line.split())}\n" for line in describe_provenance(stage.scene.provenance))
        (model / "cameras.txt").write_text(about + "".join(_camera_line(i, f) for i, f in enumerate(frames)))
        (model / "images.txt").write_text(about + "".join(_image_lines(i, f) for i, f in enumerate(frames)))
        (model / "points3D.txt").write_text(about + _points(stage))


def _file_of(index: int) -> str:
    return f"{index:06d}.jpg"


def _camera_line(index: int, frame: Frame) -> str:
    """COLMAP's pixels are counted as ours: the first one's centre is at (0.5, 0.5)."""
    K, camera = frame.camera.K.tolist(), frame.camera
    return f"{index + 1} PINHOLE {camera.width} {camera.height} {K[0][0]} {K[1][1]} {K[0][2]} {K[1][2]}\n"


def _image_lines(index: int, frame: Frame) -> str:
    """The pose from world to camera, and an empty line for the points that nobody matched."""
    world_to_camera = invert(frame.camera.camera_to_world.double())
    pose = [*rotations_to_quats(world_to_camera[:3, :3]).tolist(), *world_to_camera[:3, 3].tolist()]
    return f"{index + 1} {' '.join(f'{value:.9g}' for value in pose)} {index + 1} {_file_of(index)}\n\n"


def _points(stage: Stage) -> str:
    gaussians = stage.untouched.detach().to("cpu")
    stands = (gaussians.velocities.norm(dim=-1) < STILL).nonzero().squeeze(1)
    chosen = stands[gaussians.opacities[stands].argsort(descending=True, stable=True)[:MAX_POINTS]]
    colors = (gaussians.colors[chosen].clamp(0, 1) * 255).round().long()
    columns = torch.cat([gaussians.means[chosen].double(), colors.double()], -1).numpy()
    lines = (
        f"{i} {x:.4f} {y:.4f} {z:.4f} {r:.0f} {g:.0f} {b:.0f} 0"
        for i, (x, y, z, r, g, b) in enumerate(np.asarray(columns), start=1)
    )
    return "\n".join(lines) + "\n"
