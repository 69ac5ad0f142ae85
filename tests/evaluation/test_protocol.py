"""Protocols that are frozen, written, read and refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.clips import Opening, Piece, Street
from flux4d_core.evaluation.presets import PRESETS
from flux4d_core.evaluation.protocol import Plan, as_document, check, freeze, read_protocol
from flux4d_core.learning.split import SplitConfig

SPLIT = SplitConfig(inputs=2, future=1)
OPENING = Opening(SPLIT, Path())
PLAN = Plan("simulated streets", (Street(3), Street(4)), SPLIT, ("lifted",))


def write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_protocol_survives_its_file_and_agrees_with_what_it_was_frozen_with(tmp_path: Path) -> None:
    frozen = freeze(PLAN, OPENING, "good (abc)")
    again = read_protocol(write(tmp_path / "protocol.json", as_document(frozen)))
    assert again == frozen
    check(again, OPENING, "good (abc)")
    assert len(set(frozen.data)) == 2


def test_other_weights_definitions_or_data_are_refused() -> None:
    frozen = freeze(PLAN, OPENING, "good (abc)")
    with pytest.raises(Flux4dError, match="weights good"):
        check(frozen, OPENING, "other (def)")
    with pytest.raises(Flux4dError, match="definitions"):
        check(replace(frozen, definitions="0"), OPENING, "good (abc)")
    with pytest.raises(Flux4dError, match="simulated-4: expected data"):
        check(replace(frozen, data=(frozen.data[0], "0")), OPENING, "good (abc)")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "recipe"}, "another document"),
        ({"version": 2}, "update flux4d"),
        ({"methods": ["magic"]}, "magic"),
        ({"clips": [{"log": "../secret", "start": 0, "cameras": [], "hash": ""}]}, "outside"),
        ({"clips": [{"log": "/etc", "start": 0, "cameras": [], "hash": ""}]}, "outside"),
        ({"clips": []}, "no clips"),
        ({"split": None}, "damaged"),
    ],
)
def test_a_broken_protocol_is_refused_with_its_name(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    file = write(tmp_path / "protocol.json", as_document(freeze(PLAN, OPENING, "")) | changes)
    with pytest.raises(Flux4dError, match=words) as refusal:
        read_protocol(file)
    assert "protocol.json" in str(refusal.value)


def test_the_presets_are_the_published_ones() -> None:
    streets, pandaset, waymo = (PRESETS[name]() for name in ("streets", "pandaset", "waymo"))
    assert [source.name for source in streets] == [f"simulated-{seed}" for seed in range(9000, 9040)]
    assert len(pandaset) == 40
    assert pandaset[1] == Piece("001", 2.0, ("front_camera",))
    assert len(set(waymo)) == 64
