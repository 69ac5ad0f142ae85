"""What can be done to a scene: small frozen facts, in the order in which the user did them.

Actors are named by ids that never change: those of the reconstruction by `scene_actor_id`, new ones by the `new` of the
operation that made them. Times are seconds from the clip's start, places metres in its world. An operation on an actor
that is not there (any more) does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Vector = tuple[float, float, float]


def scene_actor_id(index: int) -> str:
    """The id of the reconstruction's actor at this position of `Grouping.actors`."""
    return f"actor-{index + 1}"


@dataclass(frozen=True)
class Region:
    """An upright box in the world, at one time."""

    center: Vector
    size: Vector
    """Along its own axes (m)."""
    yaw: float
    """Of its x axis, counterclockwise from the world's x (rad)."""
    time: float


@dataclass(frozen=True)
class Waypoint:
    """Where an actor's centre is at one time."""

    time: float
    position: Vector
    yaw: float | None = None
    """Heading (rad); None: along the way."""


@dataclass(frozen=True)
class Source:
    """What an inserted actor is made of. Its file's name, never a path: it lies beside the edits."""

    kind: Literal["scene", "actor", "mesh"]
    file: str
    actor: str = ""
    """Which actor of a scene file."""


@dataclass(frozen=True)
class Remove:
    """Take the actor out."""

    actor: str


@dataclass(frozen=True)
class Hide:
    """Do not draw the actor for now; or draw it again."""

    actor: str
    hidden: bool = True


@dataclass(frozen=True)
class Duplicate:
    """Put a second one of its kind into the scene."""

    actor: str
    new: str
    offset: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Move:
    """Carry the actor's whole way elsewhere: turned about where its centre is at `time`, then shifted."""

    actor: str
    time: float
    offset: Vector = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    """Counterclockwise (rad)."""


@dataclass(frozen=True)
class SetSpeed:
    """Go the same way faster or slower; where it is at `time` it stays."""

    actor: str
    factor: float
    time: float


@dataclass(frozen=True)
class Delay:
    """Do everything later (earlier if negative)."""

    actor: str
    seconds: float


@dataclass(frozen=True)
class Stop:
    """Brake and stand for the rest of the time."""

    actor: str
    time: float
    """When it begins to brake."""
    braking: float = 0.0
    """Seconds until it stands."""


@dataclass(frozen=True)
class Reverse:
    """Go the same way backwards; where it is at `time` it stays."""

    actor: str
    time: float


@dataclass(frozen=True)
class Follow:
    """Take another way: a smooth curve through the waypoints, standing before the first and after the last."""

    actor: str
    waypoints: tuple[Waypoint, ...]


@dataclass(frozen=True)
class Recolor:
    """Paint the actor, its light and shade kept."""

    actor: str
    color: Vector
    """sRGB, 0 to 1."""
    strength: float = 1.0
    """0: as it was; 1: nothing left of its own hue."""


@dataclass(frozen=True)
class Rename:
    actor: str
    name: str


@dataclass(frozen=True)
class Group:
    """Make an actor of what stands in a region."""

    new: str
    region: Region
    name: str = ""


@dataclass(frozen=True)
class Assign:
    """Add what is in a region to an actor, or take it away from it."""

    actor: str
    region: Region
    adds: bool = True


@dataclass(frozen=True)
class Erase:
    """Delete stray Gaussians in a region; actors are spared unless said otherwise."""

    region: Region
    spares_actors: bool = True


@dataclass(frozen=True)
class Insert:
    """Put an actor from elsewhere into the scene."""

    new: str
    source: Source
    time: float
    """When its centre is at `position`."""
    position: Vector
    yaw: float = 0.0
    """Its heading then (rad)."""
    name: str = ""


Operation = (
    Remove
    | Hide
    | Duplicate
    | Move
    | SetSpeed
    | Delay
    | Stop
    | Reverse
    | Follow
    | Recolor
    | Rename
    | Group
    | Assign
    | Erase
    | Insert
)


@dataclass(frozen=True)
class Edits:
    """All that was done to a scene, in order."""

    operations: tuple[Operation, ...] = ()

    def then(self, *more: Operation) -> Edits:
        """These, and more after them."""
        return Edits(self.operations + more)
