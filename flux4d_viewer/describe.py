"""Operations in words, as the list of what was done shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from flux4d_core.scene.edit.operations import (
    Assign,
    Delay,
    Duplicate,
    Erase,
    Follow,
    Group,
    Hide,
    Insert,
    Move,
    Operation,
    Recolor,
    Remove,
    Rename,
    Reverse,
    SetSpeed,
    Stop,
)


def describe(operation: Operation, names: Mapping[str, str]) -> str:
    """One line; `names`: what actors are called, by their ids."""
    match operation:
        case Erase(region):
            x, y, z = region.size
            return f"Deleted what lay in a box of {x:.1f} x {y:.1f} x {z:.1f} m"
        case Group(new, _, name):
            return f"Made {names.get(new, name or new)} an actor"
        case Insert(new, source, name=name):
            return f"Inserted {names.get(new, name or new)} from {source.file}"
        case _:
            return _of_actor(operation, names.get(operation.actor, operation.actor), names)


def _of_actor(operation: Operation, name: str, names: Mapping[str, str]) -> str:
    match operation:
        case Remove():
            return f"Removed {name}"
        case Hide(_, hidden):
            return f"Hid {name}" if hidden else f"Showed {name} again"
        case Duplicate(_, new):
            return f"Duplicated {name} as {names.get(new, new)}"
        case Move(_, _, offset, yaw):
            return f"Moved {name} by {_metres(offset)}{_turn(yaw)}"
        case SetSpeed(_, factor):
            return f"Made {name} go {factor:g} times as fast"
        case Delay(_, seconds):
            return f"{'Delayed' if seconds > 0 else 'Brought forward'} {name} by {abs(seconds):g} s"
        case Stop(_, time, braking):
            return f"Stopped {name} at {time:.2f} s" + (f", braking for {braking:g} s" if braking else "")
        case Reverse():
            return f"Reversed {name}"
        case Follow(_, waypoints):
            return f"Led {name} through {len(waypoints)} waypoints"
        case Recolor():
            return f"Painted {name}"
        case Rename(_, new_name):
            return f"Called an actor {new_name}"
        case Assign(_, _, adds):
            return f"Added to {name}" if adds else f"Took from {name}"
        case _:
            return type(operation).__name__


def _metres(offset: tuple[float, float, float]) -> str:
    words = (("ahead", "back"), ("left", "right"), ("up", "down"))
    said = [f"{abs(d):.1f} m {word[d < 0]}" for d, word in zip(offset, words, strict=True) if abs(d) >= 0.05]
    return ", ".join(said) or "0 m"


def _turn(yaw: float) -> str:
    return f", turned {math.degrees(yaw):+.0f}°" if abs(yaw) > 1e-3 else ""
