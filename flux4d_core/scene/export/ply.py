"""The Gaussians at one time, or at many, as PLYs in the layout of 3D Gaussian Splatting tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from flux4d_core.progress import Report, silent
from flux4d_core.scene.export.names import folder_written_whole
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.scene.stage import Stage
from flux4d_core.writing import written_whole

SH_DC = 0.28209479177387814
"""The constant spherical harmonic: 3DGS files store (colour - 0.5) / SH_DC."""


def write_ply(stage: Stage, time: float, path: Path) -> None:
    """Save the Gaussians as they are at `time` (s), in the layout of the 3DGS authors.

    Opacities are logits, scales logarithms, colours the constant harmonic, as that layout wants; x forward, y left,
    z up, metres. Extra columns vx, vy, vz (m/s), which other tools skip. The sky is not part of the format. Comments
    say where the scene comes from and under which terms.
    """
    now = stage.at(time)
    opacities = now.opacities.clamp(1e-4, 1 - 1e-4)
    columns = {
        **_named(["x", "y", "z"], now.means),
        **_named(["nx", "ny", "nz"], torch.zeros_like(now.means)),
        **_named(["f_dc_0", "f_dc_1", "f_dc_2"], (now.colors - 0.5) / SH_DC),
        "opacity": torch.logit(opacities),
        **_named(["scale_0", "scale_1", "scale_2"], now.scales.clamp(min=1e-6).log()),
        **_named(["rot_0", "rot_1", "rot_2", "rot_3"], now.quats),
        **_named(["vx", "vy", "vz"], now.velocities),
    }
    table = np.empty(len(now), dtype=[(name, "<f4") for name in columns])
    for name, values in columns.items():
        table[name] = values.detach().cpu().numpy()
    header = ["ply", "format binary_little_endian 1.0", f"comment flux4d time {time:.6f} s, metres, z up"]
    header += [f"comment {' '.join(line.split())}" for line in describe_provenance(stage.scene.provenance)]
    header += [f"element vertex {len(table)}", *(f"property float {name}" for name in columns), "end_header", ""]
    with written_whole(path) as temporary, temporary.open("wb") as file:
        file.write("\n".join(header).encode("ascii", "backslashreplace"))
        file.write(table.data)


def write_ply_sequence(stage: Stage, times: Sequence[float], folder: Path, report: Report = silent) -> None:
    """Save the Gaussians at every time as frame0001.ply, frame0002.ply ... in a new folder.

    Dropped onto SuperSplat, the files play as an animation.

    Raises:
        Flux4dError: the folder has something in it.
    """
    with folder_written_whole(folder) as temporary:
        for i, time in enumerate(times):
            report("Writing PLYs", i / len(times))
            write_ply(stage, time, temporary / f"frame{i + 1:04d}.ply")


def _named(names: list[str], values: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(zip(names, values.unbind(-1), strict=True))
