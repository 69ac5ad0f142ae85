"""`flux4d doctor`."""

from itertools import pairwise
from pathlib import Path

import pytest
from ended import Flux4d

from flux4d_core.cli import doctor
from flux4d_core.errors import CheckpointError


def line_about(subject: str, report: str) -> str:
    (line,) = [line for line in report.splitlines() if line[2:].startswith(subject)]
    return line


def test_it_names_the_weights_it_finds(flux4d: Flux4d, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "default_weights", lambda: tiny_weights)
    ended = flux4d("doctor")
    assert ended.code == 0
    assert " tiny (" in line_about("Weights", ended.out)
    assert line_about("Weights", ended.out).endswith("CC0")


def test_what_is_amiss_is_marked_and_has_a_remedy_below(flux4d: Flux4d, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise CheckpointError("the weights are missing; install flux4d again")

    monkeypatch.setattr(doctor, "default_weights", missing)
    lines = flux4d("doctor").out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("! Weights"))
    assert lines[at + 1].split(maxsplit=1) == ["->", "the weights are missing; install flux4d again"]
    for line, following in pairwise(lines):
        assert line.startswith("!") == following.strip().startswith("->")


def test_every_part_of_the_machine_has_a_line(flux4d: Flux4d) -> None:
    report = flux4d("doctor").out
    for subject in ("Python", "Memory", "Disk", "GPU", "Renderer", "Weights", "Video", "Browser"):
        assert len(line_about(subject, report)) > 12


@pytest.mark.parametrize(
    ("card", "driver", "built", "found", "remedy"),
    [
        (None, None, None, "none found", ""),
        ("RTX 4090", "580.65", None, "built without CUDA", "pip install"),
        ("RTX 4090", "470.57", "12.8", "CUDA 12.8 needs driver 525", "update the driver to 525"),
        ("RTX 4090", "580.65", "12.8", "PyTorch cannot use it", "nvidia-smi"),
    ],
)
def test_a_graphics_card_that_cannot_be_used_is_explained(
    monkeypatch: pytest.MonkeyPatch, card: str | None, driver: str | None, built: str | None, found: str, remedy: str
) -> None:
    monkeypatch.setattr(doctor.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(doctor.torch.version, "cuda", built)
    monkeypatch.setattr(doctor, "_nvidia_smi", lambda: (card, driver))
    (finding,) = doctor._gpu()
    assert found in finding.found
    assert remedy in finding.remedy


def test_an_option_it_does_not_have_is_refused(flux4d: Flux4d) -> None:
    assert flux4d("doctor", "--cure").is_refusal("--cure", "flux4d doctor --help")
