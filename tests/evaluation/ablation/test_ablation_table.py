"""Means, differences and ranges of round numbers."""

import math

from flux4d_core.evaluation.ablation.judging import COLUMNS, Judged
from flux4d_core.evaluation.ablation.runs import Trained
from flux4d_core.evaluation.ablation.table import (
    as_markdown,
    mean_figures,
    paired_difference,
    reconstruction_table,
    training_table,
)


def judged(reconstruction: str, street: str, psnr: float, moving_error: float = 1.0) -> Judged:
    """`psnr` in every column of PSNR."""
    figures = {column.title: psnr if column.figure == "psnr" else 0.0 for column in COLUMNS}
    return Judged(reconstruction, street, figures | {"moving error": moving_error})


def trained(variant: str, seed: int, *psnrs: float) -> Trained:
    streets = [judged("whole", f"street {i}", psnr) for i, psnr in enumerate(psnrs)]
    return Trained(variant, seed, 100 * (seed + 1), 60.0, tuple(streets))


def row(table: str, name: str, below: int = 0) -> list[str]:
    """Cells of the row of this name, or of one below it."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line]
    return lines[[cells[0] for cells in lines].index(name) + below]


def test_differences_are_of_the_same_street() -> None:
    # streets of 20 and 30 dB, each 1 dB worse without: the streets' own spread is no part of the difference
    found = [judged("whole", "a", 20.0), judged("whole", "b", 30.0)]
    found += [judged("no sky", "a", 19.0, 2.0), judged("no sky", "b", 29.0, 4.0)]
    table = reconstruction_table(found)
    assert row(table, "whole")[1:3] == ["2", "25.00"]
    assert row(table, "no sky")[1:3] == ["2", "24.00"]
    assert row(table, "no sky", below=1)[2] == "-1.00 [-1.00, -1.00]"
    assert row(table, "no sky", below=1)[7] == "+2.000 [+1.000, +3.000]"


def test_a_street_that_only_one_of_both_has_is_no_part_of_the_difference() -> None:
    found = [judged("whole", "a", 20.0), judged("whole", "b", 30.0), judged("no sky", "a", 19.0)]
    table = reconstruction_table(found)
    assert row(table, "no sky")[1:3] == ["1", "19.00"]
    assert row(table, "no sky", below=1)[2] == "-1.00"


def test_figures_that_are_not_known_are_left_out() -> None:
    pairs = [({"psnr": 3.0}, {"psnr": 1.0}), ({"psnr": math.nan}, {"psnr": 1.0})]
    difference, low, high = paired_difference(pairs, "psnr")
    assert difference == 2.0
    assert math.isnan(low)
    assert math.isnan(high)
    run = Trained("whole", 0, 1, 1.0, (judged("whole", "a", 20.0), judged("whole", "b", math.nan)))
    assert mean_figures(run, "whole")["interpolated"] == 20.0


def test_trainings_show_the_mean_over_seeds_and_the_lowest_and_the_highest() -> None:
    runs = [trained("whole", 0, 20.0, 22.0), trained("whole", 1, 22.0, 24.0)]  # 21 and 23 dB
    runs += [trained("no bodies", 0, 20.0, 20.0), trained("no bodies", 1, 21.0, 21.0)]  # 20 and 21 dB
    table = training_table(runs, "whole")
    assert row(table, "whole")[1:4] == ["2", "150", "22.00 (21.00..23.00)"]
    assert row(table, "no bodies")[1:4] == ["2", "150", "20.50 (20.00..21.00)"]
    assert row(table, "no bodies", below=1)[3] == "-1.50 (-2.00..-1.00)"


def test_rows_come_in_the_order_of_the_method_and_tables_without_runs_not_at_all() -> None:
    runs = [trained("attention", 0, 20.0), trained("no bodies", 0, 20.0), trained("whole", 0, 20.0)]
    names = [line.split("|")[1].strip() for line in training_table(runs, "whole").splitlines() if line.startswith("| ")]
    assert [name for name in names if name not in ("", "---")] == ["whole", "no bodies", "attention"]
    assert "### Reconstruction" not in as_markdown([], runs)
    assert as_markdown([], []) == ""
