"""What the simulator stored beside a log, for a clip that was cut from the log: the same frames, sweeps and world."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from flux4d_core.data.log import CameraStream, LidarStream, Log, world_to_global
from flux4d_core.data.poses import SECOND_NS, invert
from flux4d_core.errors import LogError
from flux4d_core.geometry import rotate
from flux4d_core.simulation.storage import TRUTH_FILE, read_truth
from flux4d_core.types import Boxes, Clip, Truth


def stored_truth(log: Log, clip: Clip) -> Truth | None:
    """The truth about a clip, index for index with its frames and sweeps, in its world; None if none is stored.

    The simulator's world is the log's global frame, and its frames and sweeps are all of the log's, in order of time.

    Raises:
        LogError: the stored truth is broken or does not belong to this log.
    """
    truth = read_truth(log.path) if log.path.is_dir() else None
    if truth is None:
        return None
    frames, sweeps = _order(log.cameras), _order(log.lidars)
    if len(frames) != len(truth.frames) or not len(sweeps) == len(truth.sweeps) == len(truth.boxes):
        raise LogError(
            f"{log.path / TRUTH_FILE}: expected the truth about {len(frames)} images and {len(sweeps)} sweeps, found "
            f"{len(truth.frames)} and {len(truth.sweeps)}; simulate the log again, or delete this file"
        )
    to_world = torch.from_numpy(invert(world_to_global(log, clip.start_ns))).float()
    own_frames = [truth.frames[frames[f.sensor, _stamp(clip, f.camera.time)]] for f in clip.frames]
    own_sweeps = [sweeps[s.sensor, _stamp(clip, s.time)] for s in clip.sweeps]
    return Truth(
        frames=tuple(replace(f, velocities=rotate(to_world, f.velocities)) for f in own_frames),
        sweeps=tuple(
            replace(s, velocities=rotate(to_world, s.velocities), accelerations=rotate(to_world, s.accelerations))
            for s in (truth.sweeps[i] for i in own_sweeps)
        ),
        boxes=tuple(
            _moved(truth.boxes[i], to_world, sweep.time) for i, sweep in zip(own_sweeps, clip.sweeps, strict=True)
        ),
    )


def _order(streams: Sequence[CameraStream] | Sequence[LidarStream]) -> dict[tuple[str, int], int]:
    """Place of every image or sweep, by sensor and stamp, among all of its kind in order of time."""
    times = np.concatenate([stream.times_ns for stream in streams]) if streams else np.zeros(0, np.int64)
    names = [stream.name for stream in streams for _ in stream.times_ns]
    places = np.argsort(np.argsort(times, kind="stable"), kind="stable")
    return {(name, int(time)): int(place) for name, time, place in zip(names, times, places, strict=True)}


def _stamp(clip: Clip, time: float) -> int:
    return clip.start_ns + round(time * SECOND_NS)


def _moved(boxes: Boxes, to_world: Tensor, time: float) -> Boxes:
    return replace(boxes, time=time, box_to_world=to_world @ boxes.box_to_world)
