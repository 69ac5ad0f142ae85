"""The colours of Gaussians by what is known of them: the one place where they are chosen, whichever backend draws."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from flux4d_core.geometry import quats_to_rotations
from flux4d_core.types import Gaussians, Snapshot
from flux4d_viewer.colormaps import CIRCLE, Colormap, stops_of
from flux4d_viewer.looking import Coloring, Vector
from flux4d_viewer.theme import SENSOR_COLORS, UNKNOWN_COLOR

OF_WHAT_MOVES: tuple[Coloring, ...] = ("speed", "heading")
"""Colour only what is faster than the threshold; the other colourings colour everything."""


@dataclass(frozen=True)
class Tint:
    """How Gaussians are coloured."""

    color: Coloring
    threshold: float = 0.0
    """What is not faster keeps its own colours where only what moves is coloured (m/s)."""
    top: float = 1.0
    """The value at the legend's end."""
    bottom: float = 0.0
    """The value at its beginning."""
    colormap: Colormap = "rainbow"
    eye: Vector = (0.0, 0.0, 0.0)
    """From where depth is measured and normals are seen, in the world (m)."""

    @property
    def is_of_everything(self) -> bool:
        """Whether it colours what stands, too."""
        return self.color != "real" and self.color not in OF_WHAT_MOVES


@dataclass(frozen=True)
class Origins:
    """What a snapshot no longer says of its Gaussians, in its order."""

    times: Float[Tensor, "N"]
    """Own times (s)."""
    sensors: Int[Tensor, "N"]
    """Positions in the scene's sensors."""
    errors: Float[Tensor, "N"] | None = None
    """As `Errors.values`, if they are known."""


def origins_of(gaussians: list[Gaussians], errors: Float[Tensor, "N"] | None = None) -> Origins:
    """The origins of several sets of Gaussians, one after the other."""
    times = torch.cat([part.times for part in gaussians])
    return Origins(times, torch.cat([part.sensor_index for part in gaussians]), errors)


def tinted(snapshot: Snapshot, origins: Origins, tint: Tint) -> Float[Tensor, "N 3"]:
    """The colours (0 to 1) that a tint gives to Gaussians at one instant, in the world."""
    match tint.color:
        case "real":
            return snapshot.colors
        case "speed":
            speeds = snapshot.velocities.norm(dim=-1)
            return _where_it_moves(snapshot, tint, look_up(speeds, tint))
        case "heading":
            return _where_it_moves(snapshot, tint, _heading_colors(snapshot.velocities))
        case "time":
            return look_up(origins.times, tint)
        case "depth":
            return look_up((snapshot.means - _eye(tint, snapshot)).norm(dim=-1), tint)
        case "opacity":
            return look_up(snapshot.opacities, tint)
        case "sensor":
            palette = torch.tensor([*SENSOR_COLORS, UNKNOWN_COLOR]).to(snapshot.colors) / 255
            known = torch.where(origins.sensors >= 0, origins.sensors % len(SENSOR_COLORS), len(SENSOR_COLORS))
            return palette[known.long()]
        case "error":
            return snapshot.colors if origins.errors is None else look_up(origins.errors, tint)
        case "normal":
            return 0.5 + 0.5 * normals_of(snapshot, _eye(tint, snapshot))


def look_up(values: Float[Tensor, "*any"], tint: Tint) -> Float[Tensor, "*any 3"]:
    """Colours of values between the legend's ends, in the 256 shades of the page; grey where there is no number."""
    shares = (values - tint.bottom) / max(tint.top - tint.bottom, 1e-6)
    colors = _between_stops(shares.nan_to_num(0.0), torch.from_numpy(stops_of(tint.colormap)).to(values))
    unknown = torch.tensor(UNKNOWN_COLOR).to(values) / 255
    return torch.where(values.isnan()[..., None], unknown, colors)


def normals_of(snapshot: Snapshot, eye: Float[Tensor, "3"]) -> Float[Tensor, "N 3"]:
    """Each Gaussian's thinnest axis, turned towards the eye."""
    thinnest = snapshot.scales.argmin(-1)
    axes = quats_to_rotations(snapshot.quats)
    normals = axes.gather(2, thinnest[:, None, None].expand(-1, 3, 1)).squeeze(2)
    seen_from_behind = (normals * (eye - snapshot.means)).sum(-1, keepdim=True) < 0
    return torch.where(seen_from_behind, -normals, normals)


def _where_it_moves(snapshot: Snapshot, tint: Tint, colors: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
    moves = snapshot.velocities.norm(dim=-1) > tint.threshold
    return torch.where(moves[:, None], colors, snapshot.colors)


def _heading_colors(velocities: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
    """As `theme.heading_colors`."""
    turn = torch.atan2(velocities[:, 1], velocities[:, 0]) / (2 * torch.pi) % 1.0
    return _between_stops(turn, torch.tensor(CIRCLE).to(velocities))


def _between_stops(shares: Float[Tensor, "*any"], stops: Float[Tensor, "K 3"]) -> Float[Tensor, "*any 3"]:
    """As `colormaps.mapped`, on any device, from 0 to 1."""
    place = shares.clamp(0, 1) * (len(stops) - 1)
    before = place.floor().long().clamp(max=len(stops) - 2)
    share = (place - before)[..., None]
    return (stops[before] * (1 - share) + stops[before + 1] * share).round() / 255


def _eye(tint: Tint, snapshot: Snapshot) -> Float[Tensor, "3"]:
    return torch.tensor(tint.eye).to(snapshot.means)


def tensor_of(errors: ndarray | None, device: torch.device | str = "cpu") -> Float[Tensor, "N"] | None:
    """Errors as the colouring takes them."""
    return None if errors is None else torch.from_numpy(errors).float().to(device)
