"""A look's colours and directions as tensors, made once a street and device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.simulation.street.look import Look


@dataclass(frozen=True)
class Palette:
    """Linear light, as `Look` says."""

    look: Look
    sun: Float[Tensor, "3"]
    zenith: Float[Tensor, "3"]
    horizon: Float[Tensor, "3"]
    bounce: Float[Tensor, "3"]
    cloud_light: Float[Tensor, "3"]
    season: Float[Tensor, "3"]
    lamp: Float[Tensor, "3"]
    """Of a lit window."""
    sun_direction: Float[Tensor, "3"]
    level: Float[Tensor, "3"]
    """1, 1, 0: keeps the horizontal part of a direction."""
    upward: Float[Tensor, "3"]
    shift: Float[Tensor, "2"]


def mix_palette(look: Look, device: torch.device) -> Palette:
    """Move a look to a device."""

    def column(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)

    return Palette(
        look=look,
        sun=column(look.sun),
        zenith=column(look.zenith),
        horizon=column(look.horizon),
        bounce=column(look.bounce),
        cloud_light=column(look.cloud_light),
        season=column(look.season),
        lamp=column((1.5, 1.15, 0.7)),
        sun_direction=column(look.sun_direction),
        level=column((1.0, 1.0, 0.0)),
        upward=column((0.0, 0.0, 1.0)),
        shift=column(look.shift),
    )
