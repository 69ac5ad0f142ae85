"""Protocols that others can run too: which clips, in which order."""

from collections.abc import Callable
from typing import Literal

from flux4d_core.evaluation.clips import ClipSource, Piece, Street
from flux4d_core.simulation.evaluation_set import EVALUATION_SEEDS

PresetName = Literal["streets", "pandaset", "waymo"]

_PANDASET_LOGS = ("001", "011", "016", "065", "084", "090", "106", "115", "123", "158")
_PANDASET_STARTS = (0.0, 2.0, 4.0, 6.0)
"""Sweeps 0, 20, 40 and 60, at 10 Hz."""
_NOTR_STATIC = (
    *(3, 19, 36, 69, 81, 126, 139, 140, 146, 148, 157, 181, 200, 204, 226, 232),
    *(237, 241, 245, 246, 271, 297, 302, 312, 314, 362, 482, 495, 524, 527, 753, 780),
)
_NOTR_DYNAMIC = (
    *(16, 21, 22, 25, 31, 34, 35, 49, 53, 80, 84, 86, 89, 94, 96, 102),
    *(111, 222, 323, 382, 402, 427, 438, 546, 581, 592, 620, 640, 700, 754, 795, 796),
)


def _streets() -> tuple[ClipSource, ...]:
    """The 40 held-out streets."""
    return tuple(Street(seed) for seed in EVALUATION_SEEDS)


def _pandaset() -> tuple[ClipSource, ...]:
    """Flux4D's: 10 logs, front camera, 4 snippets a log."""
    return tuple(Piece(log, start, ("front_camera",)) for log in _PANDASET_LOGS for start in _PANDASET_STARTS)


def _waymo() -> tuple[ClipSource, ...]:
    """DrivingRecon's: EmerNeRF's 32 static and 32 dynamic scenes, numbered in the alphabet of the training segments.

    The numbers are folders, as DrivingRecon's preparation names them, or places in the alphabet of the whole training
    split (`naming.py`). Which of a scene's frames DrivingRecon takes is not published; here it is the first second, in
    all cameras.
    """
    return tuple(Piece(f"{number:03d}") for number in (*_NOTR_STATIC, *_NOTR_DYNAMIC))


PRESETS: dict[PresetName, Callable[[], tuple[ClipSource, ...]]] = {
    "streets": _streets,
    "pandaset": _pandaset,
    "waymo": _waymo,
}
