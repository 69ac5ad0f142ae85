"""Where the legends begin and end: chosen once for a scene, so that colours do not change their meaning on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.motion import speeds
from flux4d_core.scene.scene import Scene
from flux4d_viewer.canvas.nodes import MovingNode
from flux4d_viewer.canvas.tinting import OF_WHAT_MOVES, Tint
from flux4d_viewer.looking import Coloring, Errors, Range, Vector
from flux4d_viewer.state import View
from flux4d_viewer.theme import nice_top

SAMPLE = 100_000
"""Gaussians that are looked at."""


@dataclass(frozen=True)
class Ranges:
    """The ends of a scene's legends."""

    speed: Range = (0.0, 10.0)
    """(m/s)."""
    time: Range = (0.0, 1.0)
    """(s)."""
    depth: Range = (0.0, 50.0)
    """(m)."""

    def of(self, coloring: Coloring, errors: Errors | None = None) -> Range:
        """Those of one colouring; 0 to 1 where it has no numbers."""
        match coloring:
            case "speed":
                return self.speed
            case "time":
                return self.time
            case "depth":
                return self.depth
            case "error":
                return (0.0, errors.top) if errors is not None else (0.0, 1.0)
            case _:
                return 0.0, 1.0


def find_ranges(scene: Scene, moving: list[MovingNode], vantages: Float[Tensor, "V 3"]) -> Ranges:
    """Ends that nearly all of a scene lies between."""
    gaussians = scene.gaussians.detach()[:: max(1, len(scene.gaussians) // SAMPLE)]
    if len(gaussians) == 0:
        return Ranges()
    fast = torch.cat([speeds(node.gaussians) for node in moving]) if moving else torch.zeros(1)
    distances = (gaussians.means.cpu() - vantages[len(vantages) // 2]).norm(dim=-1)
    first, last = float(gaussians.times.min()), float(gaussians.times.max())
    return Ranges(
        speed=(0.0, nice_top(float(_quantile(fast, 0.95)))),
        time=(first, last if last > first else first + 1.0),
        depth=(0.0, _round_up(float(_quantile(distances, 0.9)))),
    )


def tint_of(view: View, coloring: Coloring, ranges: Ranges, eye: Vector, errors: Errors | None = None) -> Tint:
    """The tint of a view. What makes no difference to its colours is left out: equal colours, equal tints."""
    bottom, top = view.range or ranges.of(coloring, errors)
    return Tint(
        color=coloring,
        threshold=view.threshold if coloring in OF_WHAT_MOVES else 0.0,
        top=top,
        bottom=bottom,
        colormap=view.colormap,
        eye=eye if coloring in ("depth", "normal") else (0.0, 0.0, 0.0),
    )


def _quantile(values: Float[Tensor, "N"], share: float) -> Float[Tensor, ""]:
    return torch.quantile(values[:: max(1, len(values) // SAMPLE)], share)


def _round_up(value: float) -> float:
    """To the next round number."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-3)))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if value <= step * power * (1 + 1e-9))
