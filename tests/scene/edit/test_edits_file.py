"""The edits file: exact, and closed to nonsense."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from small_street import make_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.edit import operations as op
from flux4d_core.scene.edit.edits_file import EditsWarning, read_edits, scene_hash, write_edits
from flux4d_core.scene.scene_file import read_scene, write_scene

SCENE = make_scene()
REGION = op.Region((0.1, 2.0, -3.0), (1 / 3, 2.0, 1.0), 0.7, 0.5)
EVERYTHING = op.Edits(
    (
        op.Remove("actor-1"),
        op.Hide("actor-1", False),
        op.Duplicate("actor-2", "new-1", (1.0, 2.0, 3.0)),
        op.Move("actor-2", 0.1, (0.1 + 0.2, 0.0, -1e-17), 0.3),
        op.SetSpeed("actor-2", 0.5, 0.2),
        op.Delay("actor-2", -1.0),
        op.Stop("actor-2", 0.5, 0.3),
        op.Reverse("actor-2", 0.5),
        op.Follow("actor-2", (op.Waypoint(0.0, (1.0, 2.0, 3.0)), op.Waypoint(1.0, (2.0, 2.0, 3.0), 1.5))),
        op.Recolor("actor-2", (1.0, 0.5, 0.0), 0.8),
        op.Rename("actor-2", "the café's car"),
        op.Group("new-2", REGION, "bin"),
        op.Assign("new-2", REGION, False),
        op.Erase(REGION, False),
        op.Insert("new-3", op.Source("scene", "other.f4d", "actor-1"), 0.5, (5.0, 0.0, 1.0), 0.1, "guest"),
    )
)


def written(folder: Path, *entries: object, **changes: object) -> Path:
    path = folder / "edits.json"
    whole = {"format": "flux4d edits", "version": 1, "scene": scene_hash(SCENE), "operations": list(entries), **changes}
    path.write_text(json.dumps(whole))
    return path


def test_every_operation_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    kinds = {type(operation).__name__ for operation in EVERYTHING.operations}
    assert len(kinds) == len(EVERYTHING.operations) == 15, "one of each"
    write_edits(EVERYTHING, SCENE, tmp_path / "edits.json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_edits(tmp_path / "edits.json", SCENE) == EVERYTHING
    assert [path.name for path in tmp_path.iterdir()] == ["edits.json"]


def test_what_has_a_default_may_be_left_out_and_whole_numbers_are_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, {"do": "Move", "actor": "actor-1", "time": 0, "offset": [5, 0, 0]})
    assert read_edits(path).operations == (op.Move("actor-1", 0.0, (5.0, 0.0, 0.0)),)


def test_edits_of_another_scene_are_read_with_a_warning(tmp_path: Path) -> None:
    write_edits(EVERYTHING, SCENE, tmp_path / "edits.json")
    other = replace(SCENE, gaussians=SCENE.gaussians[:-1])
    with pytest.warns(EditsWarning, match="made for another scene"):
        assert read_edits(tmp_path / "edits.json", other) == EVERYTHING


def test_a_scene_that_was_saved_and_opened_again_is_the_same_scene(tmp_path: Path) -> None:
    write_scene(SCENE, tmp_path / "street.f4d")
    assert scene_hash(read_scene(tmp_path / "street.f4d")) == scene_hash(SCENE)


MOVE = {"do": "Move", "actor": "actor-1", "time": 0.0}
MESH = {"do": "Insert", "new": "a", "time": 0.0, "position": [0, 0, 0]}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"do": "Explode", "actor": "actor-1"}, 'expected one of Remove, .* found "Explode"'),
        ({"actor": "actor-1"}, "found null"),
        ("Remove", "expected an object"),
        ({**MOVE, "time": "now"}, 'time: expected a number, found "now"'),
        ({**MOVE, "time": True}, "expected a number, found true"),
        ({**MOVE, "time": float("nan")}, "expected a number within a million, found NaN"),
        ({**MOVE, "yaw": 1e300}, "expected a number within a million"),
        ({**MOVE, "yaw": 10**400}, "expected a number within a million"),
        ({**MOVE, "offset": [1, 2]}, "expected 3 entries, found 2"),
        ({**MOVE, "offset": "far"}, "expected a list"),
        ({**MOVE, "speed": 1}, 'Move has no entry "speed"'),
        ({"do": "Move", "actor": "actor-1"}, "Move needs an entry 'time'"),
        ({"do": "Remove", "actor": 1}, "expected text, found 1"),
        ({"do": "Remove", "actor": "a" * 300}, "at most 200 characters"),
        ({"do": "Hide", "actor": "a", "hidden": 1}, "expected true or false"),
        ({"do": "Erase", "region": 3}, "region: expected an object"),
        ({**MESH, "source": {"kind": "virus", "file": "a.glb"}}, "expected one of scene, actor, mesh"),
        ({**MESH, "source": {"kind": "mesh", "file": "../a.glb"}}, "lies beside the edits"),
        ({**MESH, "source": {"kind": "mesh", "file": "/etc/a.glb"}}, "lies beside the edits"),
        ({**MESH, "source": {"kind": "mesh", "file": "c:\\a.glb"}}, "lies beside the edits"),
        ({**MESH, "source": {"kind": "mesh", "file": ".."}}, "lies beside the edits"),
    ],
)
def test_nonsense_is_refused_in_words(tmp_path: Path, entry: object, words: str) -> None:
    with pytest.raises(Flux4dError, match=words) as refused:
        read_edits(written(tmp_path, {"do": "Remove", "actor": "actor-1"}, entry))
    assert "edits.json: " in str(refused.value)


def test_other_files_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Flux4dError, match="found nothing"):
        read_edits(tmp_path / "none.json")
    with pytest.raises(Flux4dError, match="newer flux4d"):
        read_edits(written(tmp_path, version=2))
    with pytest.raises(Flux4dError, match="another kind of JSON"):
        read_edits(written(tmp_path, format="camera path"))
    with pytest.raises(Flux4dError, match="a list of operations"):
        read_edits(written(tmp_path, operations={}))
    (tmp_path / "broken.json").write_text("[" * 100_000)
    with pytest.raises(Flux4dError, match="not readable as JSON"):
        read_edits(tmp_path / "broken.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Flux4dError, match="not readable as JSON"):
        read_edits(tmp_path / "binary.json")
