"""The truth about a clip in one file beside its log: truth.safetensors.

Depths, velocities and accelerations are halved to float16 (relative error below 5e-4); what does not move is not
stored at all. Everything else is exact.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from jaxtyping import Bool, Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from flux4d_core.errors import LogError
from flux4d_core.types import Boxes, FrameTruth, SweepTruth, Truth

TRUTH_FILE = "truth.safetensors"
_FORMAT, _VERSION = "flux4d truth", 1


def write_truth(truth: Truth, folder: Path) -> None:
    """Write the truth into a folder, which must exist, whole or not at all."""
    tensors: dict[str, Tensor] = {}
    for number, frame in enumerate(truth.frames):
        key = f"frame {number}"
        tensors[f"{key} depths"] = frame.depths.half()
        tensors[f"{key} actor_ids"] = frame.actor_ids.to(torch.int32)
        _put_sparse(tensors, f"{key} velocities", frame.velocities.reshape(-1, 3))
    for number, sweep in enumerate(truth.sweeps):
        key = f"sweep {number}"
        tensors[f"{key} actor_ids"] = sweep.actor_ids.to(torch.int32)
        tensors[f"{key} on_ground"] = _pack(sweep.on_ground)
        _put_sparse(tensors, f"{key} velocities", sweep.velocities)
        _put_sparse(tensors, f"{key} accelerations", sweep.accelerations)
    for number, boxes in enumerate(truth.boxes):
        tensors[f"boxes {number} box_to_world"] = boxes.box_to_world
        tensors[f"boxes {number} sizes"] = boxes.sizes
    contents = {
        "version": _VERSION,
        "frames": len(truth.frames),
        "sweeps": len(truth.sweeps),
        "boxes": [[boxes.time, boxes.track_ids, boxes.classes] for boxes in truth.boxes],
    }
    target = folder / TRUTH_FILE
    unfinished = target.with_name(TRUTH_FILE + ".part")
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(stored, unfinished, metadata={"format": _FORMAT, "contents": json.dumps(contents)})
    unfinished.replace(target)


def read_truth(folder: Path) -> Truth | None:
    """The truth that `write_truth` left in a folder; None if there is none. Raises LogError for a broken file."""
    path = folder / TRUTH_FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise LogError(f"{path}: expected a {_FORMAT} file, found something else; simulate the clip again")
            contents = json.loads(metadata["contents"])
            if contents["version"] > _VERSION:
                found = contents["version"]
                raise LogError(
                    f"{path}: written by a newer version ({found}, this one reads {_VERSION}); update flux4d"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _assemble(contents, tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise LogError(f"{path}: broken truth file ({error}); simulate the clip again") from error


def _assemble(contents: dict, tensors: dict[str, Tensor]) -> Truth:
    frames, sweeps = [], []
    for number in range(contents["frames"]):
        key = f"frame {number}"
        depths = tensors[f"{key} depths"].float()
        velocities = _get_sparse(tensors, f"{key} velocities", depths.numel())
        actor_ids = tensors[f"{key} actor_ids"].long()
        if actor_ids.shape != depths.shape:
            raise ValueError(f"{key}: sizes differ")
        frames.append(FrameTruth(depths, velocities.reshape(*depths.shape, 3), actor_ids))
    for number in range(contents["sweeps"]):
        key = f"sweep {number}"
        actor_ids = tensors[f"{key} actor_ids"].long()
        count = len(actor_ids)
        velocities = _get_sparse(tensors, f"{key} velocities", count)
        accelerations = _get_sparse(tensors, f"{key} accelerations", count)
        on_ground = _unpack(tensors[f"{key} on_ground"], count)
        sweeps.append(SweepTruth(velocities, accelerations, actor_ids, on_ground))
    boxes = [
        Boxes(
            time=float(time),
            box_to_world=tensors[f"boxes {number} box_to_world"],
            sizes=tensors[f"boxes {number} sizes"],
            track_ids=tuple(track_ids),
            classes=tuple(classes),
        )
        for number, (time, track_ids, classes) in enumerate(contents["boxes"])
    ]
    return Truth(tuple(frames), tuple(sweeps), tuple(boxes))


def _put_sparse(tensors: dict[str, Tensor], name: str, vectors: Float[Tensor, "n 3"]) -> None:
    moving = (vectors != 0).any(1)
    tensors[f"{name} where"] = _pack(moving)
    tensors[name] = vectors[moving].half()


def _get_sparse(tensors: dict[str, Tensor], name: str, count: int) -> Float[Tensor, "count 3"]:
    vectors = torch.zeros(count, 3)
    vectors[_unpack(tensors[f"{name} where"], count)] = tensors[name].float()
    return vectors


def _pack(flags: Bool[Tensor, "n"]) -> UInt8[Tensor, "bytes"]:
    """Eight flags a byte, the first in the lowest bit."""
    padded = torch.nn.functional.pad(flags.to(torch.uint8), (0, -len(flags) % 8)).reshape(-1, 8)
    weights = torch.tensor([1 << bit for bit in range(8)], dtype=torch.uint8, device=flags.device)
    return (padded * weights).sum(1).to(torch.uint8)


def _unpack(packed: UInt8[Tensor, "bytes"], count: int) -> Bool[Tensor, "count"]:
    if len(packed) != (count + 7) // 8:
        raise ValueError(f"expected {count} flags, found {8 * len(packed)}")
    bits = torch.arange(8, dtype=torch.uint8)
    return ((packed[:, None] >> bits) & 1).bool().reshape(-1)[:count]
