"""The motion of a labelled drive, window by window and vehicle by vehicle: what we say against what the labels say.

python tests/benchmarks/bench_drive_motion.py LOG --labels FILE --frames 11 --windows 0 11 22
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import box_velocities, boxes_at, boxes_in_clip, inside_boxes
from flux4d_core.data.log import Log, reference_times
from flux4d_core.data.poses import SECOND_NS
from flux4d_core.data.window import Window, cut
from flux4d_core.evaluation.flow import MOVING, OFF_GROUND
from flux4d_core.evaluation.truth import LabelledTruth
from flux4d_core.lifting.lift import lift
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.reconstruction.clip import ReconstructionConfig, predict
from flux4d_core.reconstruction.drive import best_device
from flux4d_core.types import Boxes, Gaussians, Lifted

FEWEST = 10
"""Vehicles with fewer returns have no row."""


@dataclass(frozen=True)
class Row:
    """One labelled vehicle in one window."""

    window: int
    track: str
    kind: str
    returns: int
    labelled: torch.Tensor
    median: torch.Tensor

    @property
    def error(self) -> float:
        return float((self.median - self.labelled).norm())


def main() -> None:
    options = _options()
    device = best_device()
    model = load_checkpoint(options.checkpoint or default_weights(), device).model
    log = open_log(options.log, options.labels)
    rows: list[Row] = []
    under, standing = 0, 0
    for first in options.windows:
        found, slow, all_standing = _window(log, first, options.frames, model, device)
        rows += found
        under, standing = under + slow, standing + all_standing
    print("| first frame | track | class | returns | labelled m/s | median m/s | error m/s |\n" + "|---" * 7 + "|")
    for row in rows:
        speeds = f"{float(row.labelled.norm()):.2f} | {float(row.median.norm()):.2f}"
        print(f"| {row.window} | {row.track} | {row.kind} | {row.returns} | {speeds} | {row.error:.2f} |")
    share = f"{under / max(1, standing):.2%} of {standing}"
    print(f"\nReturns off the ground and outside of moving boxes that are under {MOVING} m/s: {share}")


@torch.no_grad()
def _window(
    log: Log, first: int, frames: int, model: Reconstructor, device: torch.device
) -> tuple[list[Row], int, int]:
    """Moving vehicles of a window, and of what stands how many returns are said to, and how many there are."""
    stamps = reference_times(log)
    start, end = (float(stamps[i] - stamps[0]) / SECOND_NS for i in (first, min(first + frames, len(stamps)) - 1))
    clip = cut(log, Window(start, end - start))
    assert len(clip.sweeps) == frames, f"expected {frames} sweeps from number {first} on, found {len(clip.sweeps)}"
    boxes = boxes_in_clip(log, clip.start_ns)
    moved = clip.to(device)
    config = ReconstructionConfig(refinements=0)
    lifted = lift(moved, config.lift)
    gaussians = predict(model, lifted, moved, config).gaussians.to("cpu")
    lifted = lifted.to("cpu")
    truth = LabelledTruth(boxes).returns(lifted)
    velocities = gaussians.velocities[lifted.measured]
    standing = (truth.velocities.norm(dim=-1) <= MOVING) & (lifted.heights[lifted.measured] > OFF_GROUND)
    slow = velocities[standing].norm(dim=-1) < MOVING
    return _vehicles(first, boxes, lifted, gaussians), int(slow.sum()), len(slow)


def _vehicles(window: int, boxes: tuple[Boxes, ...], lifted: Lifted, gaussians: Gaussians) -> list[Row]:
    """Each track's returns at each return's own time, against its labelled velocity in the middle of them."""
    rows = lifted.measured.nonzero().squeeze(1)
    times = lifted.gaussians.times[rows]
    said: dict[str, list[torch.Tensor]] = {}
    true: dict[str, list[torch.Tensor]] = {}
    kinds: dict[str, str] = {}
    for time in times.mul(100).round().unique() / 100:
        some = rows[(times - time).abs() <= 0.005]
        now, motion = boxes_at(boxes, float(time)), box_velocities(boxes, float(time))
        inside = inside_boxes(lifted.gaussians.means[some], now, margin=0.1)
        for box, track in enumerate(now.track_ids):
            kinds[track] = now.classes[box]
            said.setdefault(track, []).append(gaussians.velocities[some[inside[box]]])
            true.setdefault(track, []).append(motion.linear[box].expand(int(inside[box].sum()), 3))
    found = []
    for track in said:
        own, labelled = torch.cat(said[track]), torch.cat(true[track])
        if len(own) >= FEWEST and float(labelled.mean(0).norm()) > MOVING:
            found.append(Row(window, track, kinds[track], len(own), labelled.mean(0), own.median(0).values))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--frames", type=int, default=11, help="of each window")
    parser.add_argument("--windows", type=int, nargs="+", default=[0, 11, 22], help="number of each one's first frame")
    return parser.parse_args()


if __name__ == "__main__":
    main()
