"""Boxes and paths of actors and the own vehicle as a GLB, for Blender, game engines and web pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float64
from numpy import ndarray
from trimesh.visual.material import PBRMaterial

from flux4d_core.scene.colormaps import heading_hues
from flux4d_core.scene.export.names import check_suffix
from flux4d_core.scene.sharing import describe_provenance
from flux4d_core.scene.stage import Stage
from flux4d_core.writing import written_whole

WORLD_TO_GLTF = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
"""glTF has y up and looks along z, with x to the left."""
RADIUS = 0.06
"""Of the tubes that are drawn along paths (m)."""
_BOX_ALPHA = 0.45
_EGO_COLOR = np.array([255, 196, 61])
_SIDES = 8
_LEAST = 0.02
"""Paths are drawn in pieces at least so long (m)."""


def write_glb(stage: Stage, times: Sequence[float], time: float, path: Path) -> None:
    """Save translucent boxes as they stand at `time` (s), and tubes along the ways at all `times`.

    y up, metres. Nodes are named after the actors' ids, "actor-1 box" and "actor-1 path", materials after their names;
    hidden actors are left out.

    Raises:
        Flux4dError: the name does not end in .glb.
    """
    check_suffix(path, ".glb")
    scene = trimesh.Scene(base_frame="flux4d", metadata={"source": describe_provenance(stage.scene.provenance)})
    for actor in stage.actors:
        if actor.hidden:
            continue
        color = heading_hues(actor.velocity_at(time))
        box = trimesh.creation.box(extents=actor.actor.size.double().numpy())
        solid, glass = _material(actor.name, color, 1.0), _material(actor.name, color, _BOX_ALPHA)
        _add(scene, f"{actor.id} box", box, glass, actor.pose_at(time))
        _add_path(scene, f"{actor.id} path", np.stack([actor.pose_at(t)[:3, 3] for t in times]), solid)
    ego = stage.scene.ego_to_world[:, :3, 3].double().cpu().numpy()
    _add_path(scene, "ego path", ego, _material("ego", _EGO_COLOR, 1.0))
    with written_whole(path) as temporary:
        temporary.write_bytes(trimesh.exchange.gltf.export_glb(scene))  # pyright: ignore[reportAttributeAccessIssue]


def _add_path(scene: trimesh.Scene, name: str, places: Float64[ndarray, "P 3"], material: PBRMaterial) -> None:
    """A tube through all places; nothing for what does not move."""
    kept = [places[0]] if len(places) else []
    for place in places[1:]:
        if np.linalg.norm(place - kept[-1]) > _LEAST:
            kept.append(place)
    if len(kept) < 2:
        return
    pieces = [trimesh.creation.cylinder(RADIUS, segment=np.stack(ends), sections=_SIDES) for ends in pairwise(kept)]
    tube = trimesh.util.concatenate(pieces)
    assert isinstance(tube, trimesh.Trimesh), "made of meshes alone"
    _add(scene, name, tube, material, np.eye(4))


def _add(
    scene: trimesh.Scene, name: str, mesh: trimesh.Trimesh, material: PBRMaterial, to_world: Float64[ndarray, "4 4"]
) -> None:
    mesh.visual = trimesh.visual.TextureVisuals(material=material)  # pyright: ignore[reportAttributeAccessIssue]
    scene.add_geometry(mesh, node_name=name, geom_name=name, transform=WORLD_TO_GLTF @ to_world)


def _material(name: str, color: ndarray, alpha: float) -> PBRMaterial:
    """Not shiny; glTF takes factors for linear light."""
    linear = (np.asarray(color) / 255.0) ** 2.2
    return PBRMaterial(
        name=name,
        baseColorFactor=[*linear.tolist(), alpha],
        metallicFactor=0.0,
        roughnessFactor=0.8,
        alphaMode="BLEND" if alpha < 1 else "OPAQUE",
    )
