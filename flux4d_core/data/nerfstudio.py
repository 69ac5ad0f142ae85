"""nerfstudio's transforms.json (also instant-ngp's, and transforms_train.json of Blender and D-NeRF scenes), as a log.

    <folder>/transforms.json        images/*.png      masks/*.png      sparse_pc.ply

transforms.json: fl_x, fl_y, cx, cy, w, h, k1 ... and camera_model for all frames, or in each frame; frames[] with
file_path, transform_matrix (camera-to-world in OpenGL's axes: x right, y up, z back), and, if any, mask_path (black is
not used) and time. File names are relative to the folder. A focal length may also be given as camera_angle_x.
Format: https://docs.nerf.studio/quickstart/data_conventions.html; what that leaves open is as nerfstudio's
dataparser has it:

* cx and cy count from the corner of the first pixel;
* `applied_transform` and `applied_scale` took the original poses to those in the file; both are undone, so that the
  log is in the units that the poses were made in;
* the points of `ply_file_path` are in the file's frame, but without `applied_scale`.

What such a folder does not say is filled in by `posed_images`. Depth images are not read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.document import Entry, read_document
from flux4d_core.data.files import inside
from flux4d_core.data.images import LARGEST_SIDE, image_size
from flux4d_core.data.lens import Brown, Fisheye, is_sane
from flux4d_core.data.log import Log
from flux4d_core.data.posed_images import PosedImage, log_of_images
from flux4d_core.data.poses import invert, is_rigid, nearest_rigid, transform
from flux4d_core.data.scans import read_cloud
from flux4d_core.errors import LogError

FILES = ("transforms.json", "transforms_train.json")
LOOKS_FOR = f"a nerfstudio folder (with {FILES[0]})"

_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Camera axes of OpenGL to ours, and back."""
_PINHOLES = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE", "FULL_OPENCV")
_FISHEYES = ("OPENCV_FISHEYE", "FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE")
_MOST_FRAMES = 1_000_000


def recognises(path: Path) -> bool:
    """Whether this is a folder with transforms.json, or that file."""
    return _file(path) is not None


def list_logs(path: Path) -> tuple[str, ...]:
    """The folder's name: there is one log in it."""
    return (path.resolve().parent.name if path.is_file() else path.resolve().name,)


def open_nerfstudio(path: Path, choice: LogChoice) -> Log:
    """Open a folder with transforms.json, or that file; raises LogError naming the entry that is wrong."""
    no_labels_outside(choice, "a nerfstudio folder")
    file = pick(path, dict.fromkeys(list_logs(path), _file(path)), choice.name, "a nerfstudio folder")
    if file is None:
        raise LogError(f"{path}: {FILES[0]} is missing")
    document = read_document(file, "nerfstudio's list of cameras")
    frames = list(document["frames"])
    if not 0 < len(frames) <= _MOST_FRAMES:
        raise LogError(f"{file}: expected 1 to {_MOST_FRAMES} frames, found {len(frames)}")
    world = _world(document)
    source = _Source(file, document, world, {})
    images = [_image(source, frame) for frame in frames]
    timed = sum(image.time is not None for image in images)
    notes = [f"{timed} of {len(images)} images have a time, so none is used."] if 0 < timed < len(images) else []
    if any("depth_file_path" in frame for frame in frames):
        notes.append("The depth images are not read.")
    points, added = _points(source)
    up = invert(world.to_file)[:3, 2]
    return log_of_images(file.parent, "nerfstudio", images, points, [*notes, *added], (up[0], up[1], up[2]))


@dataclass(frozen=True)
class _World:
    """How the frame of the file follows from the original one: scale * (to_file @ point)."""

    to_file: Float64[ndarray, "4 4"]
    scale: float


@dataclass(frozen=True)
class _Source:
    """A transforms.json and what is known of it."""

    file: Path
    document: Entry
    world: _World
    sizes: dict[Path, tuple[int, int]]
    """Of images, where neither file nor frame says: by folder, so that one image speaks for all beside it."""


def _file(path: Path) -> Path | None:
    try:
        if path.name in FILES and path.is_file():
            return path
        return next((path / name for name in FILES if (path / name).is_file()), None)
    except (OSError, ValueError):
        return None


def _world(document: Entry) -> _World:
    scale = document["applied_scale"].number() if "applied_scale" in document else 1.0
    if not 1e-6 < scale < 1e6:
        raise document["applied_scale"].wrong("a scale above 0")
    if "applied_transform" not in document:
        return _World(np.eye(4), scale)
    return _World(_rigid(document["applied_transform"]), scale)


def _rigid(entry: Entry) -> Float64[ndarray, "4 4"]:
    """A pose of 3x4 or 4x4 numbers."""
    rows = len(entry.value) if isinstance(entry.value, list) else 0
    pose = np.eye(4)
    pose[:rows] = entry.array(3 if rows == 3 else 4, 4)
    if not is_rigid(pose):
        raise entry.wrong("a rigid pose (a rotation and a shift, last row 0 0 0 1)")
    return nearest_rigid(pose)


def _image(source: _Source, frame: Entry) -> PosedImage:
    folder = source.file.parent
    name = frame["file_path"].text()
    if not Path(name).suffix:
        name += ".png"  # as Blender's scenes mean it
    path = inside(folder, name, source.file)
    width, height = _size(source, frame, path)
    pose = _rigid(frame["transform_matrix"]) @ _OPENGL
    pose[:3, 3] /= source.world.scale
    return PosedImage(
        name=Path(name).as_posix(),
        path=path,
        camera_to_global=invert(source.world.to_file) @ pose,
        lens=_lens(source.document, frame, width, height),
        width=width,
        height=height,
        time=frame["time"].number() if "time" in frame else None,
        mask=inside(folder, frame["mask_path"].text(), source.file) if "mask_path" in frame else None,
    )


def _size(source: _Source, frame: Entry, path: Path) -> tuple[int, int]:
    """From the frame, the file, or the first image of its folder."""
    holder = next((entry for entry in (frame, source.document) if "w" in entry and "h" in entry), None)
    if holder is None:
        if path.parent not in source.sizes:
            source.sizes[path.parent] = image_size(path)
        return source.sizes[path.parent]
    width, height = holder["w"].number(), holder["h"].number()
    if not all(1 <= side <= LARGEST_SIDE and side.is_integer() for side in (width, height)):
        raise LogError(
            f"{source.file}: {holder.place or 'the file'}: images have 1 to {LARGEST_SIDE} pixels a side, "
            f"not {width:g}x{height:g}"
        )
    return int(width), int(height)


def _lens(document: Entry, frame: Entry, width: int, height: int) -> Brown | Fisheye:
    def value(key: str, default: float) -> float:
        holder = next((entry for entry in (frame, document) if key in entry), None)
        return default if holder is None else holder[key].number()

    def focal(length: str, angle: str, side: int, default: float) -> float:
        opening = value(angle, 0.0)
        return value(length, side / 2 / math.tan(opening / 2) if 0 < opening < math.pi else default)

    fx = focal("fl_x", "camera_angle_x", width, 0.0)
    fy = focal("fl_y", "camera_angle_y", height, fx)
    if min(fx, fy) <= 0:
        raise LogError(f"{frame.path}: {frame.place}: expected fl_x and fl_y above 0, or camera_angle_x, found none")
    cx, cy = value("cx", width / 2), value("cy", height / 2)
    k1, k2, k3, k4, p1, p2 = (value(key, 0.0) for key in ("k1", "k2", "k3", "k4", "p1", "p2"))
    model = next((entry["camera_model"].text() for entry in (frame, document) if "camera_model" in entry), "OPENCV")
    if model in _FISHEYES or ("is_fisheye" in document and document["is_fisheye"].boolean()):
        lens: Brown | Fisheye = Fisheye(fx, fy, cx, cy, k1, k2, k3, k4)
    elif model in _PINHOLES:
        if k4 != 0:
            raise LogError(f"{frame.path}: {frame.place}: a pinhole's k4 is {k4:g}, which is not read; expected 0")
        lens = Brown(fx, fy, cx, cy, k1, k2, p1, p2, k3)
    else:
        known = ", ".join((*_PINHOLES, *_FISHEYES))
        raise LogError(f"{frame.path}: {frame.place}: expected a camera_model of {known}, found {model[:40]!r}")
    if not is_sane(lens):
        raise LogError(f"{frame.path}: {frame.place}: expected a lens of finite numbers, found {lens}")
    return lens


def _points(source: _Source) -> tuple[Float64[ndarray, "points 3"], list[str]]:
    """The cloud in the original frame, if there is one that can be read; and what is wrong with it."""
    if "ply_file_path" not in source.document:
        return np.zeros((0, 3)), []
    path = inside(source.file.parent, source.document["ply_file_path"].text(), source.file)
    try:
        return transform(invert(source.world.to_file), read_cloud(path)), []
    except LogError as problem:
        return np.zeros((0, 3)), [f"The points are left out: {problem}."]
