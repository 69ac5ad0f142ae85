"""Sweeps as witnesses: what was looked through, how bodies are cut, which motion explains a body."""

from dataclasses import replace

import pytest
import torch
from moving_clip import VELOCITY, moving_clip, on_box
from toy_clip import GROUND

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.reconstruction.rigid.bodies import PIECE, Body, find_bodies
from flux4d_core.reconstruction.rigid.evidence import Witnesses, examine
from flux4d_core.reconstruction.rigid.sweeps import CELL, PreparedSweep, cells_of, prepare
from flux4d_core.types import Clip


def _middle(clip: Clip) -> torch.Tensor:
    return clip.ego_to_world[len(clip.ego_to_world) // 2, :3, 3]


def _bodies(clip: Clip, sweep: PreparedSweep) -> list[Body]:
    return find_bodies(sweep, lift(clip, LiftConfig(panorama_height=64)), _middle(clip))


def _box(clip: Clip, sweep: PreparedSweep) -> Body:
    return next(body for body in _bodies(clip, sweep) if bool(on_box(body.points + _middle(clip)).all()))


def test_a_place_before_the_wall_was_looked_through_and_the_wall_was_met() -> None:
    sweep = prepare(moving_clip())[0]
    places = torch.tensor([[15.0, 4.0, 1.0], [20.0, 4.0, 1.0], [30.0, 4.0, 1.0], [-10.0, 0.0, 1.0]])
    through, met = sweep.looked_through(places)
    assert through.tolist() == [True, False, False, False]
    assert met.tolist() == [False, True, False, False]


def test_the_ground_is_no_upright_thing() -> None:
    clip = moving_clip()
    for sweep in prepare(clip):
        assert sweep.points[:, 2].min() + _middle(clip)[2] > GROUND + 0.25


def test_the_distance_map_says_how_far_the_wall_is() -> None:
    sweep = prepare(moving_clip())[0]
    row, column = cells_of(torch.tensor([18.0, 6.0]), CELL).tolist()  # the wall is at x = 20 m
    assert float(sweep.distances[row, column]) == pytest.approx(2.0, abs=0.3)


def test_the_box_is_one_body_and_a_long_wall_is_cut_into_pieces() -> None:
    clip = moving_clip()
    sweep = prepare(clip)[0]
    bodies = _bodies(clip, sweep)
    assert [body.is_whole for body in bodies].count(True) >= 1
    box = _box(clip, sweep)
    assert box.is_whole
    assert len(box.points) > 300
    long = torch.linspace(-20, 20, 400)
    fence = torch.stack([torch.full_like(long, 20.0), long, torch.zeros_like(long)], -1)
    fenced = replace(sweep, points=fence, times=torch.zeros(400))
    pieces = _bodies(clip, fenced)
    assert len(pieces) > 2
    assert not any(piece.is_whole for piece in pieces)
    assert all(float(piece.points[:, 1].max() - piece.points[:, 1].min()) <= PIECE + 0.1 for piece in pieces)


def test_the_true_motion_costs_nothing_and_standing_costs_much() -> None:
    clip = moving_clip()
    sweeps = prepare(clip)
    costs = Witnesses(_box(clip, sweeps[0]), sweeps).costs(torch.stack([VELOCITY[:2], torch.zeros(2), -VELOCITY[:2]]))
    assert float(costs[0]) < 0.05
    assert float(costs[1]) > 0.2
    assert float(costs[2]) > float(costs[1])


def test_the_motion_of_the_box_is_found() -> None:
    clip = moving_clip()
    sweeps = prepare(clip)
    evidence = examine(_box(clip, sweeps[2]), sweeps, torch.zeros(2))
    assert (evidence.velocity - VELOCITY[:2]).norm() < 0.8, "within the width of a cell over the longest gap"
    assert evidence.moving < 0.3 * evidence.standing
    assert evidence.vacated > 0.2
