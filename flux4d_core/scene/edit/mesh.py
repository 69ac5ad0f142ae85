"""A mesh as an actor: its surface as flat Gaussians in its own colours. The one door to trimesh for editing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.errors import Flux4dError
from flux4d_core.geometry import rotations_to_quats
from flux4d_core.scene.actor_file import Asset
from flux4d_core.scene.actors import Actor
from flux4d_core.scene.scene import Provenance
from flux4d_core.types import Gaussians

if TYPE_CHECKING:
    import trimesh

MESH_SUFFIXES = (".glb", ".obj")
MAX_BYTES = 200 << 20
MAX_FACES = 2_000_000
SMALLEST, LARGEST = 0.05, 100.0
"""Lengths of things on a street (m); what is longer or shorter is in other units."""
SPACING = 0.025
"""Between Gaussians (m): three pixels of a camera of 1200 pixels' focal length, ten metres away."""
MAX_GAUSSIANS = 100_000
"""Larger surfaces have wider spaces, and Gaussians as much larger."""
_FLAT = 0.1
"""Thickness of a Gaussian over its width."""
_SHADE = 0.45
"""How much less light what faces down gets than what faces up: a mesh brings no light along."""


@dataclass(frozen=True, eq=False)
class _Samples:
    points: Float64[ndarray, "N 3"]
    normals: Float64[ndarray, "N 3"]
    colors: Float64[ndarray, "N 3"]
    """Linear, 0 to 1."""


def read_mesh(path: Path) -> Asset:
    """Make an actor of a GLB or OBJ file: y up as glTF has it, metres, its longest level side forward.

    Raises:
        Flux4dError: not a mesh, too large, or not in metres.
    """
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise Flux4dError(f"{path}: expected a mesh ({', '.join(MESH_SUFFIXES)}), found '{path.suffix}'")
    if path.stat().st_size > MAX_BYTES:
        raise Flux4dError(f"{path}: {path.stat().st_size >> 20} MB, more than {MAX_BYTES >> 20}; simplify the mesh")
    meshes = _load(path)
    up = [mesh.apply_transform(_Y_UP_TO_Z_UP) for mesh in meshes]
    low, high = np.min([m.bounds[0] for m in up], axis=0), np.max([m.bounds[1] for m in up], axis=0)
    size = high - low
    if not (np.isfinite(size).all() and SMALLEST <= size.max() <= LARGEST):
        raise Flux4dError(f"{path}: {size.max():.3g} long; expected metres, from {SMALLEST} to {LARGEST:g}; scale it")
    samples = _sample(up)
    points = samples.points - 0.5 * (low + high)
    normals = samples.normals
    if size[1] > size[0]:  # glTF's front, +z, is -y by now
        points, normals, size = points @ _Y_BACK_TO_X.T, normals @ _Y_BACK_TO_X.T, size[[1, 0, 2]]
    spacing = np.sqrt(sum(mesh.area for mesh in up) / len(points))
    gaussians = _gaussians(_Samples(points, normals, samples.colors), float(spacing))
    zero = torch.zeros(3)
    extent = torch.from_numpy(size).float().clamp(min=0.1)
    actor = Actor(path.stem, 0.0, torch.eye(4), extent, zero, zero, len(gaussians))
    return Asset(gaussians, actor, Provenance(log=path.name, method="a mesh"))


_Y_UP_TO_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
_Y_BACK_TO_X = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


def _load(path: Path) -> list[trimesh.Trimesh]:
    """All meshes of a file where its scene puts them."""
    import trimesh
    from trimesh.resolvers import FilePathResolver

    folder = path.parent.resolve()

    class Beside(FilePathResolver):
        """Materials and textures by plain names, from the mesh's own folder."""

        def get(self, name: str) -> bytes:
            wanted = (folder / Path(name).name).resolve()
            if wanted.parent != folder or not wanted.is_file() or wanted.stat().st_size > MAX_BYTES:
                raise FileNotFoundError(name)
            return wanted.read_bytes()

        def namespaced(self, namespace: str) -> Beside:
            return self

    try:
        with path.open("rb") as file:
            scene = trimesh.load(file, file_type=path.suffix[1:].lower(), resolver=Beside(str(path)), force="scene")
        assert isinstance(scene, trimesh.Scene)
        placed = [scene.graph[node] for node in scene.graph.nodes_geometry]
        pairs = [(scene.geometry[name], pose) for pose, name in placed if name is not None]
        pairs = [(mesh, pose) for mesh, pose in pairs if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces) > 0]
        count = sum(len(mesh.faces) for mesh, _ in pairs)
        if not 0 < count <= MAX_FACES:
            raise Flux4dError(f"{path}: expected 1 to {MAX_FACES} triangles, found {count}; export another mesh")
        return [mesh.copy().apply_transform(pose) for mesh, pose in pairs]
    except Flux4dError:
        raise
    except Exception as error:  # trimesh passes on whatever its readers stumble over
        raise Flux4dError(f"{path}: not a readable mesh ({error}); export it again as GLB") from error


def _sample(meshes: list[trimesh.Trimesh]) -> _Samples:
    """Points spread evenly over all surfaces, the same ones every time."""
    areas = np.array([mesh.area for mesh in meshes])
    spacing = max(SPACING, float(np.sqrt(areas.sum() / MAX_GAUSSIANS)))
    parts = [_sample_one(mesh, max(1, round(area / spacing**2))) for mesh, area in zip(meshes, areas, strict=True)]
    return _Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def _sample_one(mesh: trimesh.Trimesh, count: int) -> _Samples:
    """Triangles by their share of the area, in even steps; in them the R2 sequence (M. Roberts, 2018)."""
    shares = np.cumsum(mesh.area_faces)
    steps = (np.arange(count) + 0.5) / count * shares[-1]
    face = np.minimum(np.searchsorted(shares, steps), len(shares) - 1)
    uv = (0.5 + np.arange(1, count + 1)[:, None] * np.array([0.7548776662466927, 0.5698402909980532])) % 1.0
    root = np.sqrt(uv[:, :1])
    weights = np.concatenate([1 - root, root * (1 - uv[:, 1:]), root * uv[:, 1:]], -1)
    points = (mesh.vertices[mesh.faces[face]] * weights[:, :, None]).sum(1)
    normals = np.asarray(mesh.face_normals)[face]
    return _Samples(points, normals, _colors(mesh, face, weights))


def _colors(mesh: trimesh.Trimesh, face: ndarray, weights: Float64[ndarray, "N 3"]) -> Float64[ndarray, "N 3"]:
    """Linear colours of surface points: texture times factor, or the vertices', or the faces'; grey without any."""
    visual: Any = mesh.visual
    count = len(face)
    if visual.kind == "texture":
        material = visual.material
        image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
        linear = np.ones((count, 3))
        if image is not None and visual.uv is not None:
            uv = (np.asarray(visual.uv)[mesh.faces[face]] * weights[:, :, None]).sum(1)
            linear = _linear(_texels(image, uv))
        factor = getattr(material, "baseColorFactor", None)
        if factor is not None:
            return linear * np.asarray(factor, dtype=np.float64)[:3] / 255
        if image is None:
            return np.tile(_linear(np.asarray(material.main_color, dtype=np.float64)[:3] / 255), (count, 1))
        return linear
    if visual.kind == "vertex":
        corners = np.asarray(visual.vertex_colors, dtype=np.float64)[mesh.faces[face], :3] / 255
        return _linear((corners * weights[:, :, None]).sum(1))
    if visual.kind == "face":
        return _linear(np.asarray(visual.face_colors, dtype=np.float64)[face, :3] / 255)
    return np.full((count, 3), 0.3)


def _texels(image: Any, uv: Float64[ndarray, "N 2"]) -> Float64[ndarray, "N 3"]:
    """The nearest pixel of a repeated texture; v from the bottom."""
    pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    column = (np.mod(uv[:, 0], 1.0) * width).astype(np.int64).clip(0, width - 1)
    row = ((1 - np.mod(uv[:, 1], 1.0)) * height).astype(np.int64).clip(0, height - 1)
    return pixels[row, column] / 255.0


def _linear(srgb: ndarray) -> ndarray:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _gaussians(samples: _Samples, spacing: float) -> Gaussians:
    """Plates along the surface, as wide as they are apart, lit from above."""
    light = 1 - _SHADE * (0.5 - 0.5 * samples.normals[:, 2:])
    linear = (samples.colors * light).clip(0, 1)
    colors = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    count = len(linear)
    return Gaussians(
        means=torch.from_numpy(samples.points).float(),
        quats=rotations_to_quats(torch.from_numpy(_facing(samples.normals)).float()),
        scales=torch.tensor([spacing, spacing, _FLAT * spacing]).repeat(count, 1),
        opacities=torch.full((count,), 0.95),
        colors=torch.from_numpy(colors).float(),
        times=torch.zeros(count),
        velocities=torch.zeros(count, 3),
        accelerations=torch.zeros(count, 3),
        lifespans=torch.full((count,), torch.inf),
        sweep_index=torch.full((count,), -1),
        sensor_index=torch.zeros(count, dtype=torch.long),
    )


def _facing(normals: Float64[ndarray, "N 3"]) -> Float64[ndarray, "N 3 3"]:
    """Rotations whose third axis is the normal."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    z = np.where(length > 0.5, normals, [0.0, 0.0, 1.0])
    other = np.where(np.abs(z[:, :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    x = np.cross(other, z)
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    return np.stack([x, np.cross(z, x), z], -1)
