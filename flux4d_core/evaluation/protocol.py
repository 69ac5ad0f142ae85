"""A frozen protocol: everything that decides an evaluation's figures, as a JSON document that can be run again."""

import json
import subprocess
import warnings
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

from flux4d_core.errors import Flux4dError, Flux4dWarning
from flux4d_core.evaluation import bootstrap
from flux4d_core.evaluation.clips import ClipSource, Opening, Piece, Street, hash_of
from flux4d_core.evaluation.definitions import DEFINITIONS, definitions_hash
from flux4d_core.evaluation.methods import DESCRIPTIONS, METHODS, MethodName
from flux4d_core.learning.split import SplitConfig
from flux4d_core.progress import Report, silent

_FORMAT, _VERSION = "flux4d evaluation protocol", 1


@dataclass(frozen=True)
class Plan:
    """What is to be evaluated, and how."""

    name: str
    """"streets", "pandaset", or in words what was named on the command line."""
    clips: tuple[ClipSource, ...]
    split: SplitConfig = field(default_factory=SplitConfig)
    methods: tuple[MethodName, ...] = METHODS
    optimize: int = 1000
    """Steps of per-scene optimisation."""
    novel_views: bool = True
    leave_out: str | None = None
    lidar: bool = True
    """Whether the methods see the sweeps."""
    adapt: float = 0.0
    """Seconds for which the network learns from each clip's inputs before it reconstructs them."""


@dataclass(frozen=True)
class Protocol:
    """A plan with the hashes of all that it is carried out with."""

    plan: Plan
    data: tuple[str, ...]
    """`hash_of` every clip."""
    weights: str
    """Name and fingerprint; empty where no method has weights."""
    definitions: str
    commit: str
    """Of the code; its version where it is installed without history."""


def freeze(plan: Plan, opening: Opening, weights: str, report: Report = silent) -> Protocol:
    """Hash the data of a plan. Reads every log once; streets are hashed by their recipe."""
    data = []
    for number, source in enumerate(plan.clips):
        report("Hashing the data", number / len(plan.clips))
        data.append(hash_of(source, opening))
    return Protocol(plan, tuple(data), weights, definitions_hash(), current_commit())


def check(protocol: Protocol, opening: Opening, weights: str, report: Report = silent) -> None:
    """Refuse to run a protocol with other data, weights or definitions than its own; other code is only warned of.

    Raises:
        Flux4dError: naming the first thing that differs.
    """
    if protocol.definitions != definitions_hash():
        raise Flux4dError(
            f"the protocol's definitions have the hash {protocol.definitions}, this flux4d's {definitions_hash()}: the "
            f"figures would not compare; run it with the flux4d that made it (commit {protocol.commit})"
        )
    if protocol.weights != weights:
        raise Flux4dError(
            f"the protocol is for the weights {protocol.weights or 'of no network'}, found {weights or 'none'}; name "
            "the right ones with --checkpoint"
        )
    for number, (source, expected) in enumerate(zip(protocol.plan.clips, protocol.data, strict=True)):
        report("Checking the data", number / len(protocol.data))
        if (found := hash_of(source, opening)) != expected:
            raise Flux4dError(
                f"{source.name}: expected data with the hash {expected}, found {found}; the protocol was frozen with "
                "other images, sweeps, labels or another simulator"
            )
    if protocol.commit != (commit := current_commit()):
        warnings.warn(f"the protocol was frozen at {protocol.commit}, this is {commit}", Flux4dWarning, stacklevel=2)


def as_document(protocol: Protocol) -> dict[str, Any]:
    """As JSON, for people too: the definitions are written out."""
    plan = protocol.plan
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "name": plan.name,
        "clips": [{**asdict(source), "hash": digest} for source, digest in zip(plan.clips, protocol.data, strict=True)],
        "split": asdict(plan.split),
        "methods": list(plan.methods),
        "optimize": plan.optimize,
        "novel_views": plan.novel_views,
        "leave_out": plan.leave_out,
        "lidar": plan.lidar,
        "adapt": plan.adapt,
        "bootstrap": {"resamples": bootstrap.RESAMPLES, "level": bootstrap.LEVEL, "seed": bootstrap.SEED},
        "weights": protocol.weights,
        "commit": protocol.commit,
        "definitions_hash": protocol.definitions,
        "definitions": DEFINITIONS,
    }


def read_protocol(path: Path) -> Protocol:
    """A protocol from its file.

    Raises:
        Flux4dError: missing, broken, of a newer version, or no protocol.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Flux4dError(f"{path}: expected a protocol file, found none that opens ({error.strerror})") from error
    except ValueError as error:
        raise Flux4dError(f"{path}: expected JSON, found something else ({error})") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise Flux4dError(f"{path}: expected a protocol of flux4d evaluate, found another document")
    if content.get("version") != _VERSION:
        raise Flux4dError(f"{path}: expected version {_VERSION}, found {content.get('version')}; update flux4d")
    try:
        return _protocol(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Flux4dError(f"{path}: this protocol is damaged ({type(error).__name__}: {error})") from error


def _protocol(content: dict[str, Any]) -> Protocol:
    if unknown := [name for name in content["methods"] if name not in DESCRIPTIONS]:
        raise ValueError(f"unknown methods {', '.join(map(str, unknown))}")
    plan = Plan(
        name=str(content["name"]),
        clips=tuple(_source(entry) for entry in content["clips"]),
        split=SplitConfig(**{key: int(value) for key, value in content["split"].items()}),
        methods=tuple(content["methods"]),
        optimize=int(content["optimize"]),
        novel_views=bool(content["novel_views"]),
        leave_out=None if content["leave_out"] is None else str(content["leave_out"]),
        lidar=bool(content["lidar"]),
        adapt=float(content["adapt"]),
    )
    if not plan.clips or not plan.methods:
        raise ValueError("no clips or no methods")
    data = tuple(str(entry["hash"]) for entry in content["clips"])
    return Protocol(plan, data, str(content["weights"]), str(content["definitions_hash"]), str(content["commit"]))


def _source(entry: dict[str, Any]) -> ClipSource:
    if "seed" in entry:
        return Street(int(entry["seed"]))
    log = PurePosixPath(entry["log"])
    if log.is_absolute() or ".." in log.parts:
        raise ValueError(f"the log '{log}' lies outside of --root")
    return Piece(str(log), float(entry["start"]), tuple(str(name) for name in entry["cameras"]))


def current_commit() -> str:
    """The commit of this code, "-dirty" where it was changed since; the version of an installed package."""
    folder = Path(__file__).resolve().parents[2]
    if (folder / ".git").exists():
        try:
            head, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain", "flux4d_core")
            return f"{head}-dirty" if changes else head
        except (OSError, subprocess.SubprocessError):
            return "unknown"
    try:
        return f"version {version('flux4d')}"
    except PackageNotFoundError:
        return "unknown"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()
