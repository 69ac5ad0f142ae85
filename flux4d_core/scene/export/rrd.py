"""A scene as a rerun recording: splats, cameras with images, LiDAR, boxes and the own vehicle, over time.

The only file that imports rerun, which is an extra: pip install flux4d[rerun].
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from flux4d_core.errors import Flux4dError
from flux4d_core.geometry import rotations_to_quats
from flux4d_core.progress import Report, silent
from flux4d_core.scene.colormaps import colorize, heading_hues
from flux4d_core.scene.export.names import check_suffix
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Snapshot, Sweep
from flux4d_core.writing import written_whole

APPLICATION = "flux4d"
JPEG_QUALITY = 85
STILL = 1e-3
"""What is slower is stored once, for all times (m/s)."""
_POINT_RADIUS = 0.03
_HIGH = 4.0
"""LiDAR points so far above the world's origin get the colour map's last colour (m)."""


@dataclass(frozen=True)
class _Recording:
    """The open recording, and rerun itself."""

    rr: ModuleType
    stream: Any
    """rerun's RecordingStream."""
    start_ns: int

    def at(self, time: float) -> None:
        """What is logged next holds at `time` (s)."""
        self.stream.set_time("time", duration=time)
        if self.start_ns > 0:
            stamp = np.datetime64(self.start_ns + round(time * 1e9), "ns")
            self.stream.set_time("stamp", timestamp=stamp)

    def log(self, path: str, what: Any, static: bool = False) -> None:
        self.stream.log(f"world/{path}", what, static=static)


def write_rrd(
    stage: Stage, times: Sequence[float], path: Path, sweeps: Sequence[Sweep] = (), report: Report = silent
) -> None:
    """Save what is there at the given times (s), and what was recorded between the first and the last.

    What stands is stored once; what moves at every time. Timelines: "time" in seconds from the scene's start, and
    "stamp", the absolute time, where the scene knows it.

    Args:
        sweeps: LiDAR, which scene files do not hold.

    Raises:
        Flux4dError: rerun is not installed, or the name does not end in .rrd.
    """
    check_suffix(path, ".rrd")
    rr = load_rerun()
    with written_whole(path) as temporary:
        # no properties and no log time: they would say when the file was made, and by which script
        stream = rr.RecordingStream(APPLICATION, recording_id=stage.scene.name, send_properties=False)
        stream.set_log_time_enabled(False)
        stream.set_log_tick_enabled(False)
        stream.save(temporary)
        recording = _Recording(rr, stream, stage.scene.start_ns)
        recording.log("", rr.ViewCoordinates.FLU, static=True)
        about = rr.TextDocument("\n".join(describe_provenance(stage.scene.provenance)))
        stream.log("about", about, static=True)
        _log_splats(recording, stage, times, report)
        _log_actors(recording, stage, times)
        _log_recorded(recording, stage, (min(times), max(times)))
        _log_sweeps(recording, sweeps, report)
        stream.flush()
        stream.disconnect()


def load_rerun() -> ModuleType:
    """The library.

    Raises:
        Flux4dError: it is not installed, or too old to know splats.
    """
    try:
        import rerun
    except ImportError:
        raise Flux4dError("a rerun recording needs the rerun SDK: pip install flux4d[rerun]") from None
    if not hasattr(rerun, "GaussianSplats3D"):
        raise Flux4dError(
            f"a rerun recording needs rerun-sdk 0.36 or newer, found {rerun.__version__}: pip install -U rerun-sdk"
        )
    return rerun


def _log_splats(recording: _Recording, stage: Stage, times: Sequence[float], report: Report) -> None:
    """Untouched Gaussians that stand and do not fade once; the rest at every time."""
    untouched = stage.untouched
    fastest = untouched.velocities.norm(dim=-1) + untouched.accelerations.norm(dim=-1)
    stands = (fastest < STILL) & ~untouched.lifespans.isfinite()
    first = stage.at(times[0])
    changes = torch.ones(len(first), dtype=torch.bool, device=stands.device)
    changes[: len(stands)] = ~stands
    recording.log("splats/static", _splats(recording, first[~changes]), static=True)
    for i, time in enumerate(times):
        report("Writing the rerun recording", i / len(times))
        recording.at(time)
        recording.log("splats/dynamic", _splats(recording, stage.at(time)[changes]))


def _splats(recording: _Recording, snapshot: Snapshot) -> Any:
    colors = torch.cat([snapshot.colors, snapshot.opacities[:, None]], -1).clamp(0, 1)
    return recording.rr.GaussianSplats3D(
        centers=_array(snapshot.means),
        scales=_array(snapshot.scales),
        quaternions=_xyzw(snapshot.quats),
        colors=(colors * 255).round().byte().cpu().numpy(),
    )


def _log_actors(recording: _Recording, stage: Stage, times: Sequence[float]) -> None:
    """Boxes with names at every time, and everyone's way."""
    rr = recording.rr
    actors = [actor for actor in stage.actors if not actor.hidden]
    if not actors:
        return
    for time in times:
        poses = np.stack([actor.pose_at(time) for actor in actors])
        velocities = np.stack([actor.velocity_at(time) for actor in actors])
        boxes = rr.Boxes3D(
            centers=poses[:, :3, 3],
            sizes=np.stack([actor.actor.size.numpy() for actor in actors]),
            quaternions=_xyzw(rotations_to_quats(torch.from_numpy(poses[:, :3, :3]))),
            colors=heading_hues(velocities),
            labels=[
                f"{actor.name}  {np.linalg.norm(velocity):.1f} m/s"
                for actor, velocity in zip(actors, velocities, strict=True)
            ],
        )
        recording.at(time)
        recording.log("actors/boxes", boxes)
    ways = [np.stack([actor.pose_at(time)[:3, 3] for time in times]) for actor in actors]
    recording.log("actors/paths", rr.LineStrips3D(ways, labels=[actor.name for actor in actors]), static=True)


def _log_recorded(recording: _Recording, stage: Stage, span: tuple[float, float]) -> None:
    """Cameras with their images, and the own vehicle."""
    rr, scene = recording.rr, stage.scene
    recording.log("ego/path", rr.LineStrips3D([_array(scene.ego_to_world[:, :3, 3])]), static=True)
    for pose, time in zip(scene.ego_to_world, scene.ego_times.tolist(), strict=True):
        recording.at(time)
        recording.log("ego/pose", _transform(recording, pose))
    for frame in scene.frames:
        camera = frame.camera
        if not span[0] <= camera.time <= span[1]:
            continue
        name = f"cameras/{rr.escape_entity_path_part(frame.sensor)}"
        pinhole = rr.Pinhole(
            image_from_camera=_array(camera.K),
            width=camera.width,
            height=camera.height,
            camera_xyz=rr.ViewCoordinates.RDF,
        )
        recording.at(camera.time)
        recording.log(name, _transform(recording, camera.camera_to_world))
        recording.log(name, pinhole)
        recording.log(name, rr.EncodedImage(contents=_jpeg(frame.image.cpu().numpy()), media_type="image/jpeg"))


def _log_sweeps(recording: _Recording, sweeps: Sequence[Sweep], report: Report) -> None:
    """LiDAR points, coloured by height."""
    for i, sweep in enumerate(sweeps):
        report("Writing LiDAR", i / len(sweeps))
        points = _array(sweep.points)
        colors = colorize((points[:, 2] + 1) / (_HIGH + 1), "viridis")
        recording.at(sweep.time)
        name = recording.rr.escape_entity_path_part(sweep.sensor)
        recording.log(f"lidar/{name}", recording.rr.Points3D(points, colors=colors, radii=_POINT_RADIUS))


def _transform(recording: _Recording, pose: Float[Tensor, "4 4"]) -> Any:
    return recording.rr.Transform3D(translation=_array(pose[:3, 3]), mat3x3=_array(pose[:3, :3]))


def _jpeg(image: UInt8[ndarray, "height width 3"]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _xyzw(quats: Float[Tensor, "N 4"]) -> Float[ndarray, "N 4"]:
    return _array(quats[:, [1, 2, 3, 0]])


def _array(tensor: Tensor) -> ndarray:
    return tensor.detach().float().cpu().numpy()
