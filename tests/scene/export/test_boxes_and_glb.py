"""Boxes and paths for other tools: JSON, CSV, GLB."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.boxes import write_boxes
from flux4d_core.scene.export.glb import write_glb

TIMES = [0.0, 0.5, 1.0]


def test_the_json_and_the_csv_say_where_the_first_ball_is_and_how_fast(tmp_path: Path) -> None:
    write_boxes(stage(toy_scene()), TIMES, tmp_path / "boxes.json")
    write_boxes(stage(toy_scene()), TIMES, tmp_path / "boxes.csv")
    described = json.loads((tmp_path / "boxes.json").read_text())
    assert described["start_ns"] == 1_000_000_000
    ball = next(row for row in described["boxes"] if row["actor"] == "actor-1" and row["time"] == 0.5)
    assert [ball["x"], ball["y"], ball["z"]] == pytest.approx([15, 3, 0], abs=0.1)
    assert [ball["vx"], ball["vy"], ball["yaw"]] == pytest.approx([10, 0, 0], abs=0.1)
    assert ball["length"] == pytest.approx(1.6, abs=0.1)
    with (tmp_path / "boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(described["boxes"]) == 9  # two balls and the own vehicle, at three times
    assert float(rows[1]["x"]) == pytest.approx(ball["x"])
    assert [float(row["x"]) for row in rows if row["actor"] == "ego"] == [0.0, 2.0, 4.0]


def test_in_the_glb_forward_is_z_left_is_x_and_up_is_y_and_a_way_is_a_tube(tmp_path: Path) -> None:
    write_glb(stage(toy_scene()), TIMES, 0.5, tmp_path / "boxes.glb")
    scene = trimesh.load(tmp_path / "boxes.glb")
    assert isinstance(scene, trimesh.Scene)
    assert set(scene.graph.nodes_geometry) == {
        "actor-1 box",
        "actor-1 path",
        "actor-2 box",
        "actor-2 path",
        "ego path",
    }
    pose, name = scene.graph["actor-1 box"]
    assert pose[:3, 3] == pytest.approx([3, 0, 15], abs=0.1)
    assert scene.geometry[name].visual.material.alphaMode == "BLEND"
    pose, name = scene.graph["actor-1 path"]
    low, high = trimesh.transform_points(scene.geometry[name].bounds, pose)
    assert [min(low[2], high[2]), max(low[2], high[2])] == pytest.approx([10, 20], abs=0.1)
    assert np.ptp([low[1], high[1]]) == pytest.approx(0.12, abs=0.01)


def test_hidden_actors_are_left_out(tmp_path: Path) -> None:
    staged = stage(toy_scene())
    staged = replace(staged, actors=(replace(staged.actors[0], hidden=True), staged.actors[1]))
    write_glb(staged, TIMES, 0.5, tmp_path / "boxes.glb")
    write_boxes(staged, TIMES, tmp_path / "boxes.csv")
    assert b"actor-1" not in (tmp_path / "boxes.glb").read_bytes()
    assert "actor-1" not in (tmp_path / "boxes.csv").read_text()


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Flux4dError, match=r"\.glb"):
        write_glb(stage(toy_scene()), TIMES, 0.5, tmp_path / "boxes.obj")
    with pytest.raises(Flux4dError, match=r"\.json or \.csv"):
        write_boxes(stage(toy_scene()), TIMES, tmp_path / "boxes.txt")
    assert list(tmp_path.iterdir()) == []
