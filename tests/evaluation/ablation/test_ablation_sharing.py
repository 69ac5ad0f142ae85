"""Several processes, one folder."""

import multiprocessing
from pathlib import Path

import pytest

from flux4d_core.evaluation.ablation.sharing import claimed, make_all
from flux4d_core.progress import Cancelled, silent


def make_side_by_side(folder: Path) -> None:
    def make(number: int) -> bytes:
        with (folder / "made").open("a") as file:
            file.write(f"{number}\n")
        return b"%d" % number

    make_all({number: folder / f"{number}.pt" for number in range(20)}, make, silent, "Making")


def test_three_processes_make_every_file_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=make_side_by_side, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert sorted(map(int, (tmp_path / "made").read_text().split())) == list(range(20))
    assert [(tmp_path / f"{number}.pt").read_bytes() for number in range(20)] == [b"%d" % n for n in range(20)]


def test_what_is_claimed_is_nobody_elses_until_it_is_given_up(tmp_path: Path) -> None:
    with claimed(tmp_path / "1.pt") as mine:
        assert mine
        with claimed(tmp_path / "1.pt") as mine_too, claimed(tmp_path / "2.pt") as other:
            assert not mine_too
            assert other
    with claimed(tmp_path / "1.pt") as mine:
        assert mine


def test_a_maker_that_is_stopped_leaves_no_half_file_and_no_claim(tmp_path: Path) -> None:
    def stopped(number: int) -> bytes:
        raise Cancelled

    with pytest.raises(Cancelled):
        make_all({1: tmp_path / "1.pt"}, stopped, silent, "Making")
    make_all({1: tmp_path / "1.pt"}, lambda number: b"whole", silent, "Making")
    assert (tmp_path / "1.pt").read_bytes() == b"whole"
