"""Trained weights in one safetensors file, with the network's config and where the weights come from as metadata."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from flux4d_core.errors import CheckpointError
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
    if not path.is_file():
        raise CheckpointError(f"{path}: expected a weights file (.safetensors), found none; check --checkpoint")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != "flux4d weights":
                raise CheckpointError(f"{path}: expected flux4d weights, found another safetensors file")
            if int(metadata["version"]) > VERSION:
                raise CheckpointError(f"{path}: written by a newer flux4d; update to read it")
            model = Reconstructor(_config(json.loads(metadata["config"])))
            origin = WeightsOrigin(**json.loads(metadata["origin"]))
            model.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: these weights are damaged or do not fit the network ({error})") from error
    fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return Checkpoint(model.to(device).eval(), origin, fingerprint)


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
