"""rerun recordings, read back with rerun."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.privacy import private_stage
from flux4d_core.scene.export.rrd import write_rrd
from flux4d_core.types import Sweep

TIMES = [0.0, 0.5, 1.0]
SWEEP = Sweep(torch.tensor([[5.0, 1.0, 0.0]]), torch.zeros(1), torch.ones(1), torch.eye(4), 0.0, "top lidar")


@pytest.fixture
def rerun() -> Any:
    return pytest.importorskip("rerun", reason="needs the rerun SDK: pip install flux4d[rerun]")


def read(path: Path) -> dict[str, list[Any]]:
    """The recording's chunks as tables, by entity."""
    from rerun.chunk import RrdReader  # pyright: ignore[reportMissingImports]

    tables: dict[str, list[Any]] = {}
    for chunk in RrdReader(str(path)).stream():
        tables.setdefault(chunk.entity_path, []).append(chunk.to_record_batch())
    return tables


def test_a_recording_opens_with_rerun_and_the_ball_and_its_box_fly_in_it(rerun: Any, tmp_path: Path) -> None:
    write_rrd(stage(toy_scene()), TIMES, tmp_path / "toy.rrd", [SWEEP])
    tables = read(tmp_path / "toy.rrd")
    assert {
        "/world/splats/static",
        "/world/splats/dynamic",
        "/world/actors/boxes",
        "/world/actors/paths",
        "/world/ego/path",
        "/world/cameras/front",
        "/world/lidar/top\\ lidar",
    } <= set(tables)
    assert len(column(tables["/world/splats/static"], "GaussianSplats3D:centers")[0]) == 1000
    moving = column(tables["/world/splats/dynamic"], "GaussianSplats3D:centers")
    assert len(moving) == 3
    assert np.array(moving[1])[:200].mean(0) == pytest.approx([15, 3, 0], abs=0.2)
    boxes = column(tables["/world/actors/boxes"], "Boxes3D:centers")
    assert np.array(boxes[2])[0] == pytest.approx([20, 3, 0], abs=0.1)


def test_a_private_recording_has_no_absolute_time_and_no_name(rerun: Any, tmp_path: Path) -> None:
    for name, staged in (("open", stage(toy_scene())), ("private", private_stage(stage(toy_scene())))):
        write_rrd(staged, TIMES, tmp_path / f"{name}.rrd")
    for name, expected in (("open", True), ("private", False)):
        tables = read(tmp_path / f"{name}.rrd")
        columns = {column for batches in tables.values() for batch in batches for column in batch.schema.names}
        assert "time" in columns
        assert ("stamp" in columns) == expected
        assert ("log: toy" in str(column(tables["/about"], "TextDocument:text"))) == expected
        assert "log_time" not in columns  # when, and with what, the file was made


def test_without_rerun_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(Flux4dError, match=r"pip install flux4d\[rerun\]"):
        write_rrd(stage(toy_scene()), TIMES, tmp_path / "toy.rrd")
    with pytest.raises(Flux4dError, match=r"ends in \.rrd"):
        write_rrd(stage(toy_scene()), TIMES, tmp_path / "toy.bin")
    assert list(tmp_path.iterdir()) == []


def column(batches: list[Any], name: str) -> list[Any]:
    """All values of a component in order of rows."""
    return [value for batch in batches if name in batch.schema.names for value in batch.column(name).to_pylist()]
