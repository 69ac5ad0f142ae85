"""Trained weights in one safetensors file, with the network's config and where the weights come from as metadata."""

import hashlib
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from flux4d_core.errors import CheckpointError, Flux4dWarning
from flux4d_core.model.features import GridConfig
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.unet import UNetConfig
from flux4d_core.writing import written_whole

VERSION = 1


@dataclass(frozen=True)
class WeightsOrigin:
    """What a set of weights was trained on, and under which terms that lets it be shared."""

    name: str
    data: str
    """In words: which simulator, which logs."""
    licence: str
    steps: int = 0
    """Training steps behind the weights."""
    parent: str = ""
    """Name of the weights that training started from; their restrictions are handed on in `licence`."""


class WeightsWarning(Flux4dWarning):
    """Weights were taken only in part."""


@dataclass(frozen=True)
class Checkpoint:
    model: Reconstructor
    origin: WeightsOrigin
    fingerprint: str
    """First 12 hex digits of the file's SHA-256."""


def save_checkpoint(
    model: Reconstructor, origin: WeightsOrigin, path: Path, dtype: torch.dtype = torch.float16
) -> None:
    """Write weights; the file appears whole or not at all. Half precision loses nothing that can be seen."""
    metadata = {
        "format": "flux4d weights",
        "version": str(VERSION),
        "config": json.dumps(asdict(model.config)),
        "origin": json.dumps(asdict(origin)),
    }
    tensors = {name: value.detach().to("cpu", dtype).contiguous() for name, value in model.state_dict().items()}
    with written_whole(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Read weights and build the network they belong to.

    Raises:
        CheckpointError: missing, damaged, of a newer version, or not flux4d weights.
    """
    metadata, tensors = _read(path)
    try:
        model = Reconstructor(_config(json.loads(metadata["config"])))
        origin = WeightsOrigin(**json.loads(metadata["origin"]))
        model.load_state_dict(tensors)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: these weights are damaged or do not fit the network ({error})") from error
    fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return Checkpoint(model.to(device).eval(), origin, fingerprint)


def initialize(model: Reconstructor, path: Path) -> WeightsOrigin:
    """Start a network from weights, perhaps of another one: tensors of the same name and shape are taken.

    A `WeightsWarning` says which parts of the network begin anew, and which of the weights were of no use. Returns
    where the weights come from.

    Raises:
        CheckpointError: missing, damaged, of a newer version, or without a single tensor that fits.
    """
    metadata, tensors = _read(path)
    own = model.state_dict()
    fitting = {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
    try:
        origin = WeightsOrigin(**json.loads(metadata["origin"]))
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: these weights are damaged ({error})") from error
    if not fitting:
        raise CheckpointError(f"{path}: nothing in these weights fits the network; give the --model options they had")
    model.load_state_dict(own | fitting)
    anew, unused = _parts(set(own) - set(fitting)), _parts(set(tensors) - set(fitting))
    if anew or unused:
        text = f"{path}: {len(fitting)} of the network's {len(own)} tensors are taken"
        text += f"; {anew} begin anew" if anew else ""
        text += f"; {unused} of the weights are of no use" if unused else ""
        warnings.warn(WeightsWarning(text), stacklevel=2)
    return origin


def checkpoint_of(model: Reconstructor, origin: WeightsOrigin) -> Checkpoint:
    """A network that was never a file, as if it had been one."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.detach().float().cpu().numpy().tobytes())
    return Checkpoint(model.eval(), origin, digest.hexdigest()[:12])


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a weights file, which may be of another network than today's."""
    if not path.is_file():
        raise CheckpointError(f"{path}: expected a weights file (.safetensors), found none; check --checkpoint")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != "flux4d weights":
                raise CheckpointError(f"{path}: expected flux4d weights, found another safetensors file")
            if int(metadata["version"]) > VERSION:
                raise CheckpointError(f"{path}: written by a newer flux4d; update to read it")
            return metadata, {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: these weights are damaged or do not fit the network ({error})") from error


def _parts(names: set[str]) -> str:
    """Parts of the network that these tensors belong to: "looks.4, refiners.1"."""
    return ", ".join(sorted({".".join(name.split(".")[:2]) for name in names}))


def default_weights() -> Path:
    """The weights that ship with flux4d: inside the installed package, or in a checkout's assets."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "weights", package.parent / "assets" / "weights"):
        if (found := folder / "flux4d.safetensors").is_file():
            return found
    raise CheckpointError(f"{package}: the trained weights are missing from this installation; install flux4d again")


def _config(described: dict[str, Any]) -> ReconstructorConfig:
    def unet(entry: dict[str, Any]) -> UNetConfig:
        return UNetConfig(**{**entry, "channels": tuple(entry["channels"])})

    return ReconstructorConfig(
        grid=GridConfig(**described.pop("grid")),
        unet=unet(described.pop("unet")),
        refine_unet=unet(described.pop("refine_unet")),
        **described,
    )
