"""Where every actor and the own vehicle are over time, as plain JSON or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.scene.export.names import check_suffix
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.scene.stage import Stage, StagedActor
from flux4d_core.writing import written_whole

EGO = "ego"
"""The own vehicle's id."""
_FRAME = "metres, seconds and radians; x forward, y left, z up from the own vehicle's pose at the scene's start"


@dataclass(frozen=True)
class BoxRow:
    """One actor (or the own vehicle) at one time."""

    time: float
    actor: str
    """Its id."""
    name: str
    x: float
    """Of the box's centre; of the own vehicle's origin (m)."""
    y: float
    z: float
    yaw: float
    """Heading, counterclockwise from x (rad)."""
    length: float
    """Along the box's own axes (m); 0 for the own vehicle, whose size is not known."""
    width: float
    height: float
    vx: float
    """Of the centre (m/s)."""
    vy: float
    vz: float


def box_rows(stage: Stage, times: Sequence[float]) -> list[BoxRow]:
    """Every actor that is drawn at every time, and the own vehicle at its recorded poses between the first and last."""
    rows = [_row(actor, time) for actor in stage.actors if not actor.hidden for time in times]
    return rows + _ego_rows(stage, min(times), max(times))


def write_boxes(stage: Stage, times: Sequence[float], path: Path) -> None:
    """Save `box_rows` as .json (with units and where the scene comes from) or .csv (the rows alone).

    Raises:
        Flux4dError: the name ends otherwise.
    """
    check_suffix(path, ".json", ".csv")
    rows = [asdict(row) for row in box_rows(stage, times)]
    with written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        if path.suffix.lower() == ".csv":
            table = csv.DictWriter(file, list(BoxRow.__dataclass_fields__))
            table.writeheader()
            table.writerows(rows)
        else:
            head = {
                "format": "flux4d boxes",
                "version": 1,
                "scene": stage.scene.name,
                "start_ns": stage.scene.start_ns,
                "units": _FRAME,
                "provenance": describe_provenance(stage.scene.provenance),
            }
            json.dump({**head, "boxes": rows}, file, indent=1)


def _row(actor: StagedActor, time: float) -> BoxRow:
    place, velocity = _place(actor.pose_at(time)), actor.velocity_at(time).tolist()
    return BoxRow(time, actor.id, actor.name, *place, *actor.actor.size.tolist(), *velocity)


def _ego_rows(stage: Stage, start: float, end: float) -> list[BoxRow]:
    times = stage.scene.ego_times.double().cpu().numpy()
    poses = stage.scene.ego_to_world.double().cpu().numpy()
    places = poses[:, :3, 3]
    velocities = np.gradient(places, times, axis=0) if len(times) > 1 else np.zeros_like(places)
    return [
        BoxRow(float(time), EGO, EGO, *_place(pose), 0.0, 0.0, 0.0, *velocity.tolist())
        for time, pose, velocity in zip(times, poses, velocities, strict=True)
        if start <= time <= end
    ]


def _place(pose: Float64[ndarray, "4 4"]) -> tuple[float, float, float, float]:
    x, y, z = pose[:3, 3].tolist()
    return x, y, z, float(np.arctan2(pose[1, 0], pose[0, 0]))
