"""Gaussians as columns of small numbers, as files keep them."""

import torch
from torch import Tensor

from flux4d_core.types import Gaussians


def pack(gaussians: Gaussians) -> dict[str, Tensor]:
    """Columns rounded to well below what can be seen: 1/65535 of a turn, 0.03 % of a scale, 1/255 of a colour."""
    return {
        "means": gaussians.means.float().contiguous(),
        "quats": (torch.nn.functional.normalize(gaussians.quats, dim=-1) * 32767).round().short(),
        "log_scales": gaussians.scales.clamp(min=1e-6).log().half(),
        "opacities": (gaussians.opacities.clamp(0, 1) * 65535).round().int().to(torch.uint16),
        "colors": (gaussians.colors.clamp(0, 1) * 255).round().byte(),
        "times": gaussians.times.float().contiguous(),
        "velocities": gaussians.velocities.half(),
        "accelerations": gaussians.accelerations.half(),
        "lifespans": gaussians.lifespans.half(),
        "sweep_index": gaussians.sweep_index.int(),
        "sensor_index": gaussians.sensor_index.to(torch.int16),
    }


def unpack(packed: dict[str, Tensor]) -> Gaussians:
    """The Gaussians of such columns.

    Raises:
        KeyError, ValueError: a column is missing, or not as long or as wide as it should be.
    """
    gaussians = Gaussians(
        means=packed["means"].float(),
        quats=torch.nn.functional.normalize(packed["quats"].float(), dim=-1),
        scales=packed["log_scales"].float().exp(),
        opacities=packed["opacities"].int().float() / 65535,
        colors=packed["colors"].float() / 255,
        times=packed["times"].float(),
        velocities=packed["velocities"].float(),
        accelerations=packed["accelerations"].float(),
        lifespans=packed["lifespans"].float(),
        sweep_index=packed["sweep_index"].long(),
        sensor_index=packed["sensor_index"].long(),
    )
    count = len(gaussians)
    shapes = {"means": 3, "quats": 4, "scales": 3, "colors": 3, "velocities": 3, "accelerations": 3}
    for name in vars(gaussians):
        expected = (count, shapes[name]) if name in shapes else (count,)
        if tuple(getattr(gaussians, name).shape) != expected:
            raise ValueError(f"{name} has shape {tuple(getattr(gaussians, name).shape)}, expected {expected}")
    return gaussians
