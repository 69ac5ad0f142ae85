"""Whatever happens to the bytes of a log, of any format: a sound clip, or one sentence; never another exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from every_format import writers
from fuzz import BYTES, KINDS, VALUES, Change, Target, prepare, try_out
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHANGES = st.lists(
    st.builds(
        Change,
        file=st.integers(0, 1 << 16),
        kind=st.integers(0, KINDS - 1),
        place=st.one_of(st.floats(0, 1), st.floats(0, 0.02)),
        content=st.one_of(st.sampled_from(BYTES + VALUES), st.binary(min_size=1, max_size=8)),
    ),
    min_size=1,
    max_size=3,
)
EXAMPLES = 12
"""Of each format: a smoke test; `fuzz.py` tries for as long as one likes."""


@pytest.fixture(scope="module", params=list(writers()))
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    return prepare(request.param, tmp_path_factory.mktemp("fuzz") / "whole")


def test_the_log_can_be_read_as_long_as_nothing_is_changed(target: Target, tmp_path: Path) -> None:
    assert try_out(target, [], tmp_path / "same") == ""


def test_changed_bytes_give_a_sound_clip_or_one_sentence(
    target: Target, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("fuzz") / "changed"
    refused = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(CHANGES)
    def changed(changes: list[Change]) -> None:
        refused.append(try_out(target, changes, scratch) != "")

    changed()
    assert len(refused) >= EXAMPLES


def test_a_log_of_empty_files_is_refused_in_one_sentence(target: Target, tmp_path: Path) -> None:
    emptied = [Change(i, 4, 0.0, b"x") for i in range(len(target.files))]
    assert len(try_out(target, emptied, tmp_path / "emptied")) > 20


def test_another_number_in_a_text_is_what_is_found_fault_with(tmp_path: Path) -> None:
    folder = prepare("folder", tmp_path / "whole")
    text = next(i for i, file in enumerate(folder.files) if file.suffix == ".json")
    told = try_out(folder, [Change(text, 8, 0.5, b"NaN")], tmp_path / "changed")
    assert ".json" in told and "NaN" in told
