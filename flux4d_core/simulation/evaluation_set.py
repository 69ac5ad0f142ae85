"""The simulated streets that results are measured on: which seeds, which version, and a hash that notices any change.

No seed of this set may be used for training. A change of the simulator that changes any of these streets must raise
`EVALUATION_VERSION`, and figures of different versions do not compare.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache

from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.sensors import build_rig
from flux4d_core.simulation.street.build import build_street

EVALUATION_VERSION = 1
EVALUATION_SEEDS: tuple[int, ...] = tuple(range(9000, 9040))
EVALUATION_CONFIG = SimulationConfig()
EVALUATION_FINGERPRINT = "f8dd30b9c319ca96"
"""What `fingerprint()` gives for this version."""


def is_reserved(seed: int) -> bool:
    """Whether a seed belongs to the evaluation set, and must not be trained on."""
    return seed in EVALUATION_SEEDS


def fingerprint(seeds: tuple[int, ...] = EVALUATION_SEEDS, config: SimulationConfig = EVALUATION_CONFIG) -> str:
    """A hash of everything that seeds decide: streets, looks, motions, sensors. 16 hexadecimal digits.

    It is taken of the numbers that streets are built from, rounded to six digits, and not of images, so that it is
    the same on every machine and device.
    """
    digest = hashlib.sha256(f"version {EVALUATION_VERSION}".encode())
    for seed in seeds:
        words: list[str] = []
        _collect(build_street(seed, config.duration), words)
        _collect(build_rig(seed, config), words)
        digest.update(";".join(words).encode())
    return digest.hexdigest()[:16]


def _collect(value: object, words: list[str]) -> None:
    """Append every number and name inside nested dataclasses and tuples, in order."""
    if isinstance(value, float):
        # Adding zero turns -0.0, which differs between machines, into 0.0.
        words.append(f"{round(value, 9) + 0.0:.6g}")
    elif isinstance(value, tuple):
        words.append(f"({len(value)}")
        for item in value:
            _collect(item, words)
    elif isinstance(value, Enum):
        words.append(value.name)
    elif is_dataclass(value):
        for name in _field_names(type(value)):
            words.append(name)
            _collect(getattr(value, name), words)
    else:
        words.append(str(value))


@lru_cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
