"""`flux4d ablate`: what it refuses, before any work. What it does: tests/evaluation/ablation."""

from pathlib import Path

from ended import Flux4d


def test_a_variant_that_is_not_there_is_refused(flux4d: Flux4d, tmp_path: Path) -> None:
    ended = flux4d("ablate", "--output", tmp_path / "new", "--variants", "no-magic", "--device", "cpu")
    assert ended.is_refusal("--variants no-magic", "no-bodies", "no-sky")
    assert not (tmp_path / "new").exists()


def test_numbers_with_which_nothing_can_be_learned_or_judged_are_refused(flux4d: Flux4d, tmp_path: Path) -> None:
    base = ("ablate", "--output", tmp_path / "new", "--device", "cpu")
    assert flux4d(*base, "--streets", 0).is_refusal("--streets 0", "1 to")
    assert flux4d(*base, "--minutes", 0).is_refusal("--minutes 0")
    assert flux4d(*base, "--width", 8).is_refusal("width is 8")
    assert flux4d(*base, "--held-out", 100_000).is_refusal("--held-out 100000", "learned from")
    assert not (tmp_path / "new").exists()
