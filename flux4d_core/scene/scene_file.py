"""The scene file (.f4d): a zip of plain parts, safe to open from a stranger.

    scene.json             version, names, times, cameras, actors, provenance
    gaussians.safetensors  the Gaussians' columns, in the small number types of `columns.py`
    sky.png                the panorama
    frames/000000.jpg      recorded images, in the order of scene.json

Nothing in it is executed or unpickled; every size is checked before memory is taken; no member leaves the zip.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from flux4d_core.errors import SceneError
from flux4d_core.scene.actors import Actor, Grouping
from flux4d_core.scene.archive import Kind, described_part, part, reading
from flux4d_core.scene.columns import pack, unpack
from flux4d_core.scene.scene import Provenance, Scene
from flux4d_core.types import Camera, Frame, Sky
from flux4d_core.writing import written_whole

VERSION = 1
MAX_IMAGE_PIXELS = 100_000_000
JPEG_QUALITY = 92


def write_scene(scene: Scene, path: Path) -> None:
    """Save a scene; the file appears whole or not at all."""
    scene = scene.to("cpu")
    with (
        written_whole(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        archive.writestr("scene.json", json.dumps(_describe(scene), indent=1))
        archive.writestr("gaussians.safetensors", save_tensors(_pack(scene)))
        archive.writestr(_stored("sky.png"), _png(scene.sky.panorama))
        for i, frame in enumerate(scene.frames):
            archive.writestr(_stored(f"frames/{i:06d}.jpg"), _jpeg(frame.image))


def read_scene(path: Path) -> Scene:
    """Open a scene file.

    Raises:
        SceneError: not a scene file, of a newer version, damaged, or larger than any honest one.
    """
    if not path.is_file():
        raise SceneError(f"{path}: expected a scene file (.f4d), found {'a folder' if path.is_dir() else 'nothing'}")
    with reading(path, "scene file", "save it again from the log") as archive:
        described = described_part(archive, "scene.json", path, Kind("flux4d scene", VERSION))
        packed = load_tensors(part(archive, "gaussians.safetensors", path))
        panorama = _image(part(archive, "sky.png", path), path)
        images = [_image(part(archive, f"frames/{i:06d}.jpg", path), path) for i in range(len(described["frames"]))]
        return _assemble(described, packed, panorama, images)


# --- the rest as JSON ----------------------------------------------------------------------------------------------


def _pack(scene: Scene) -> dict[str, Tensor]:
    return pack(scene.gaussians) | {"actor_index": scene.grouping.actor_index.to(torch.int16)}


def _describe(scene: Scene) -> dict[str, Any]:
    return {
        "format": "flux4d scene",
        "version": VERSION,
        "name": scene.name,
        "start_ns": scene.start_ns,
        "sensors": list(scene.sensors),
        "provenance": vars(scene.provenance),
        "ego_times": scene.ego_times.tolist(),
        "ego_to_world": scene.ego_to_world.tolist(),
        "frames": [_describe_frame(frame) for frame in scene.frames],
        "actors": [describe_actor(actor) for actor in scene.grouping.actors],
    }


def describe_actor(actor: Actor) -> dict[str, Any]:
    """An actor's box and motion as JSON."""
    return {
        "name": actor.name,
        "time": actor.time,
        "box_to_world": actor.box_to_world.tolist(),
        "size": actor.size.tolist(),
        "velocity": actor.velocity.tolist(),
        "acceleration": actor.acceleration.tolist(),
        "count": actor.count,
        "yaw_rate": actor.yaw_rate,
    }


def _describe_frame(frame: Frame) -> dict[str, Any]:
    camera = frame.camera
    end = camera.camera_to_world_end
    return {
        "sensor": frame.sensor,
        "time": camera.time,
        "width": camera.width,
        "height": camera.height,
        "K": camera.K.tolist(),
        "camera_to_world": camera.camera_to_world.tolist(),
        "camera_to_world_end": None if end is None else end.tolist(),
    }


def _assemble(described: dict[str, Any], packed: dict[str, Tensor], panorama: Tensor, images: list[Tensor]) -> Scene:
    gaussians = unpack(packed)
    actors = tuple(read_actor_entry(entry) for entry in described["actors"])
    actor_index = packed["actor_index"].long()
    if actor_index.shape != (len(gaussians),) or (len(actor_index) and int(actor_index.max()) >= len(actors)):
        raise ValueError("actor_index does not match the Gaussians and actors")
    return Scene(
        name=str(described["name"]),
        start_ns=int(described["start_ns"]),
        gaussians=gaussians,
        sky=Sky(panorama.float() / 255),
        grouping=Grouping(actors, actor_index),
        sensors=tuple(map(str, described["sensors"])),
        frames=tuple(_frame(*pair) for pair in zip(described["frames"], images, strict=True)),
        ego_to_world=_matrix(described["ego_to_world"], (-1, 4, 4)),
        ego_times=_matrix(described["ego_times"], (-1,)),
        provenance=Provenance(**{key: str(value) for key, value in described["provenance"].items()}),
    )


def read_actor_entry(entry: dict[str, Any]) -> Actor:
    """An actor from its JSON.

    Raises:
        ValueError, KeyError, TypeError: it is not what `describe_actor` gives.
    """
    return Actor(
        name=str(entry["name"]),
        time=float(entry["time"]),
        box_to_world=_matrix(entry["box_to_world"], (4, 4)),
        size=_matrix(entry["size"], (3,)),
        velocity=_matrix(entry["velocity"], (3,)),
        acceleration=_matrix(entry["acceleration"], (3,)),
        count=int(entry["count"]),
        yaw_rate=_finite(entry.get("yaw_rate", 0.0)),  # files of before have none
    )


def _frame(entry: dict[str, Any], image: Tensor) -> Frame:
    end = entry["camera_to_world_end"]
    camera = Camera(
        K=_matrix(entry["K"], (3, 3)),
        camera_to_world=_matrix(entry["camera_to_world"], (4, 4)),
        width=int(entry["width"]),
        height=int(entry["height"]),
        time=float(entry["time"]),
        camera_to_world_end=None if end is None else _matrix(end, (4, 4)),
    )
    if image.shape[:2] != (camera.height, camera.width):
        raise ValueError(f"an image is {tuple(image.shape[:2])}, its camera {(camera.height, camera.width)}")
    return Frame(image, camera, str(entry["sensor"]))


def _finite(value: Any) -> float:
    return float(_matrix(value, ()))


def _matrix(values: Any, shape: tuple[int, ...]) -> Tensor:
    matrix = torch.tensor(values, dtype=torch.float32).reshape(shape)
    if not bool(matrix.isfinite().all()):
        raise ValueError("a number is not finite")
    return matrix


# --- images --------------------------------------------------------------------------------------------------------


def _stored(name: str) -> zipfile.ZipInfo:
    """An entry that is not compressed a second time."""
    return zipfile.ZipInfo(name)


def _png(panorama: Tensor) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((panorama.clamp(0, 1) * 255).round().byte().numpy()).save(buffer, "PNG")
    return buffer.getvalue()


def _jpeg(image: Tensor) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image.numpy()).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _image(content: bytes, path: Path) -> Tensor:
    with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as image:
        if image.width * image.height > MAX_IMAGE_PIXELS:
            raise SceneError(f"{path}: an image of {image.width}x{image.height} pixels; not opened")
        return torch.from_numpy(np.array(image.convert("RGB")))
