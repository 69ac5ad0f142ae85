"""What every printed figure means, in one sentence each: printed below tables, frozen in protocols."""

import hashlib
import json

from flux4d_core.evaluation.bootstrap import LEVEL, RESAMPLES
from flux4d_core.evaluation.flow import BUCKET, FLOW_SECONDS, MOVING, OFF_GROUND
from flux4d_core.evaluation.frames import FEWEST_PIXELS
from flux4d_core.evaluation.novel_views import BLOCKED, HOLE, INSTANTS, OPEN

DEFINITIONS: dict[str, str] = {
    "interpolated, future": "held-out frames between the inputs, and after the last input",
    "left_out": "frames, at the inputs' instants, of a camera that no method was given",
    "dynamic": f"pixels whose surface truly moves faster than {MOVING} m/s; frames with fewer than {FEWEST_PIXELS} of "
    "them do not count",
    "PSNR": "dB of sRGB in 0..1, clipped; the mean over frames of each frame's own",
    "SSIM": "Wang et al. 2004, Gaussian window of 11 pixels, sigma 1.5, black outside; over dynamic pixels the "
    "mean of the map there",
    "GMSD": "gradient magnitude similarity deviation, Xue et al. 2014; lower is better; needs no weights",
    "LPIPS": "Zhang et al. 2018, v0.1 with AlexNet, the mean of the map; lower is better; '-' where its "
    "weights are not on this machine",
    "depth RMSE": "m; rendered depth along the camera's z at the LiDAR returns of the nearest sweep that the frame "
    "sees, where alpha is over 0.05",
    "velocity RMSE": "m/s; root of the mean squared length of the error of the rendered velocity in the world, over "
    "pixels; uncovered pixels and the sky stand; labelled boxes: the outline moves with the box",
    "holes": "share of the pixels with a LiDAR return whose alpha is under 0.95",
    "seconds": "from decoded inputs to the scene",
    "motion": f"of the input sweeps' returns that an input image sees; moving: truly faster than {MOVING} m/s; flow is "
    f"motion over {FLOW_SECONDS} s",
    "of nothing moves": "moving error as a share of the error if every velocity were zero",
    "standing": f"m/s; mean length of the velocity error of standing returns; on the ground: up to {OFF_GROUND} m "
    "above it; p99: 99th percentile",
    "EPE3D, Acc5, Acc10": "mean end-point error of the flow (m); share of returns right to 0.05 m or 5 %; to 0.1 m "
    "or 10 %",
    "angle": "mean angle between predicted and true velocity of moving returns (rad)",
    "three-way": "m; mean of the end-point errors of background, of standing foreground (vehicles, people) and of what "
    "moves, Chodosh et al. 2023",
    "bucket-normalised": f"mean over classes and speed buckets ({BUCKET} m/s wide, without the slowest) of error / "
    "speed, Khatri et al. 2024; 1 if nothing moves",
    "precision, recall, IoU": f"of returns said to move, faster than {MOVING} m/s, against those that do",
    "views": f"exact simulated images of {INSTANTS} interpolated instants from 1, 2, 3 m aside (left, right by turns) "
    f"and 1 m up, with the exposure and noise of the vehicle's camera; without those where over {BLOCKED:.0%} of "
    "the pixels are nearer than 1 m",
    "seen": "share of the view's pixels, without the sky, whose surface lies on the exact depth of an input image, to "
    "2 % + 0.1 m, after moving with its true velocity",
    "below the path": "dB below the view from the path at the same instant",
    "holes where seen, open": f"share of those pixels whose alpha is under {HOLE}, under {OPEN}",
    "mean": "over scenes, each counting once; in brackets the interval that a bootstrap over scenes gives "
    f"({LEVEL:.0%}, {RESAMPLES} resamples)",
}


def definitions_hash() -> str:
    """16 hexadecimal digits that change with any definition."""
    return hashlib.sha256(json.dumps(DEFINITIONS, sort_keys=True).encode()).hexdigest()[:16]
