"""Cameras along a path -> mp4, frame by frame, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio.v2 as imageio
import numpy as np
import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Report, silent
from flux4d_core.rendering.wide import draw_projected
from flux4d_core.scene.film import Film
from flux4d_core.scene.scene import Provenance
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.scene.stage import Stage
from flux4d_core.writing import put_in_place


def render_path(stage: Stage, film: Film, report: Report = silent) -> Iterator[np.ndarray]:
    """The film's pictures (H, W, 3) uint8, drawn on the device of the stage's Gaussians."""
    device = stage.untouched.means.device
    for i, camera in enumerate(film.cameras):
        report("Rendering video", i / len(film.cameras))
        with torch.no_grad():
            colors = draw_projected(stage.at(camera.time), stage.sky, camera.to(device), film.projection).colors
        yield (colors.clamp(0, 1) * 255).round().byte().cpu().numpy()
    report("Rendering video", 1.0)


def write_video(
    pictures: Iterator[np.ndarray], path: Path, fps: float, quality: int = 8, provenance: Provenance | None = None
) -> None:
    """Write pictures as H.264 (yuv420p, which every player opens); `quality` from 0 to 10.

    `provenance`: said in the file's comment.

    Raises:
        Flux4dError: the name does not end in .mp4.
    """
    if path.suffix.lower() != ".mp4":
        raise Flux4dError(f"{path}: expected a name that ends in .mp4, found '{path.suffix}'")
    comment = "; ".join(describe_provenance(provenance)) if provenance is not None else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    # a folder, since ffmpeg may still write for a moment after it was told to stop
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.", ignore_cleanup_errors=True) as folder:
        whole = Path(folder) / path.name
        with imageio.get_writer(
            whole,
            format="FFMPEG",  # pyright: ignore[reportArgumentType]
            fps=fps,
            quality=quality,
            macro_block_size=2,
            output_params=["-metadata", f"comment={comment}"] if comment else [],
        ) as writer:
            for picture in pictures:
                writer.append_data(picture)  # pyright: ignore[reportAttributeAccessIssue]
        put_in_place(whole, path)
