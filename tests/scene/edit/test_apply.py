"""Edits applied to the small street: a red car at x = 12 with 10 m/s, a blue one at x = 30 with -6 m/s."""

import math
from dataclasses import replace

import numpy as np
import torch
from small_street import make_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import (
    Assign,
    Delay,
    Duplicate,
    Edits,
    Erase,
    Follow,
    Group,
    Hide,
    Move,
    Operation,
    Recolor,
    Region,
    Remove,
    Rename,
    Reverse,
    SetSpeed,
    Stop,
    Waypoint,
    scene_actor_id,
)
from flux4d_core.scene.stage import Stage, StagedActor
from flux4d_core.types import Gaussians

SCENE = make_scene()
COLORS = [SCENE.gaussians.colors[SCENE.grouping.actor_index == i].mean(0) for i in range(2)]
RED = scene_actor_id(int(COLORS[1][0] > COLORS[0][0]))
BLUE = scene_actor_id(int(COLORS[1][2] > COLORS[0][2]))
IN_RED = SCENE.grouping.actor_index == int(RED.removeprefix("actor-")) - 1
OF_WALL = Region((30.0, 8.0, 3.0), (4.0, 1.0, 6.2), 0.0, 0.0)
ROAD = Region((30.0, 0.0, 1.0), (20.0, 4.0, 2.0), 0.0, 0.0)


def edited(*operations: Operation) -> Stage:
    return stage(SCENE, Edits(operations))


def actor_of(result: Stage, id: str) -> StagedActor:
    actor = result.actor(id)
    assert actor is not None
    return actor


def x_of(result: Stage, id: str, time: float) -> float:
    """Along the street, and checked against where its Gaussians really are."""
    x = float(actor_of(result, id).pose_at(time)[0, 3])
    part = next(part for part in result.parts if part.actor == id)
    drawn = float(part.course.snapshot(part.gaussians, time).means[:, 0].mean())
    assert abs(x - drawn) < 0.25, f"its box is at {x}, its Gaussians at {drawn}"
    return x


def same(first: Gaussians, second: Gaussians) -> bool:
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))


def test_without_edits_the_stage_is_the_scene_itself() -> None:
    assert stage(SCENE).untouched is SCENE.gaussians
    assert edited().untouched is SCENE.gaussians
    assert [actor.id for actor in edited().actors] == ["actor-1", "actor-2"]


def test_what_no_edit_touches_stays_bit_for_bit_and_in_order() -> None:
    everything = [
        Remove(RED),
        Hide(RED),
        Move(RED, 0.0, (5.0, 0.0, 0.0)),
        Recolor(RED, (0.0, 1.0, 0.0)),
        Stop(RED, 0.5),
        Delay(RED, 0.5),
    ]
    for operation in everything:
        assert same(edited(operation).untouched, SCENE.gaussians[~IN_RED]), operation
    assert edited(Rename(RED, "mine")).untouched is SCENE.gaussians
    assert edited(Duplicate(RED, "new")).untouched is SCENE.gaussians


def test_a_removed_actor_is_gone_and_what_is_done_to_it_later_does_nothing() -> None:
    result = edited(Remove(RED), Move(RED, 0.0, (1.0, 0.0, 0.0)), Duplicate(RED, "new"), Hide("nobody"))
    assert result.parts == ()
    assert [actor.id for actor in result.actors] == [BLUE]


def test_a_hidden_actor_is_not_drawn_but_known_and_comes_back() -> None:
    result = edited(Hide(RED))
    assert len(result.untouched) == len(SCENE.gaussians) - int(IN_RED.sum())
    assert result.parts == ()
    assert actor_of(result, RED).hidden
    assert edited(Hide(RED), Hide(RED, False)).untouched is SCENE.gaussians


def test_a_moved_car_is_five_metres_further_at_all_times() -> None:
    before, after = actor_of(edited(), RED), edited(Move(RED, 0.0, (5.0, 1.0, 0.0)))
    for time in (0.0, 0.5, 1.0):
        assert np.allclose(actor_of(after, RED).pose_at(time)[:3, 3] - before.pose_at(time)[:3, 3], [5, 1, 0])
        assert abs(x_of(after, RED, time) - (17 + 10 * time)) < 0.3


def test_a_car_turned_by_a_quarter_at_time_zero_stays_there_and_then_drives_to_the_left() -> None:
    before, after = actor_of(edited(), RED), edited(Move(RED, 0.0, yaw=math.pi / 2))
    start = before.pose_at(0.0)[:3, 3]
    assert np.allclose(actor_of(after, RED).pose_at(0.0)[:3, 3], start, atol=1e-6)
    assert np.allclose(actor_of(after, RED).pose_at(1.0)[:3, 3], start + np.array([0, 10, 0]), atol=0.02)
    assert np.allclose(actor_of(after, RED).velocity_at(0.5), [0, 10, 0], atol=0.02)


def test_half_the_speed_is_half_the_way_and_delayed_by_a_second_is_ten_metres_behind() -> None:
    start = float(actor_of(edited(), RED).pose_at(0.0)[0, 3])
    assert abs(x_of(edited(SetSpeed(RED, 0.5, 0.0)), RED, 1.0) - (start + 5)) < 0.02
    assert abs(x_of(edited(Delay(RED, 1.0)), RED, 1.0) - start) < 0.02


def test_a_car_that_stops_at_half_a_second_stays_where_it_was_then() -> None:
    start = float(actor_of(edited(), RED).pose_at(0.0)[0, 3])
    result = edited(Stop(RED, 0.5))
    assert abs(x_of(result, RED, 0.5) - (start + 5)) < 0.02
    assert abs(x_of(result, RED, 2.0) - (start + 5)) < 0.02
    assert actor_of(result, RED).speed_at(1.0) < 1e-6
    braking = edited(Stop(RED, 0.0, braking=1.0))
    assert abs(x_of(braking, RED, 3.0) - (start + 5)) < 0.02, "braking evenly takes half of the way"


def test_a_reversed_car_comes_back_the_way_it_went() -> None:
    start = float(actor_of(edited(), RED).pose_at(0.0)[0, 3])
    result = edited(Reverse(RED, 0.5))
    assert abs(x_of(result, RED, 0.5) - (start + 5)) < 0.02
    assert abs(x_of(result, RED, 1.0) - start) < 0.02
    assert abs(actor_of(result, RED).velocity_at(0.5)[0] + 10) < 0.02


def test_later_operations_act_on_the_result_of_those_before() -> None:
    start = float(actor_of(edited(), RED).pose_at(0.0)[0, 3])
    assert abs(x_of(edited(Stop(RED, 0.5), Delay(RED, 0.5)), RED, 0.5) - start) < 0.02
    assert abs(x_of(edited(Delay(RED, 0.5), Stop(RED, 0.5)), RED, 2.0) - start) < 0.02


def test_a_follower_is_at_its_waypoints_and_heads_along_its_way() -> None:
    waypoints = (Waypoint(0.0, (0.0, 0.0, 1.0)), Waypoint(1.0, (10.0, 0.0, 1.0)), Waypoint(2.0, (10.0, 10.0, 1.0)))
    car = actor_of(edited(Follow(RED, waypoints)), RED)
    for waypoint in waypoints:
        assert np.allclose(car.pose_at(waypoint.time)[:3, 3], waypoint.position, atol=1e-6)
    heading = [math.degrees(math.atan2(*car.pose_at(time)[[1, 0], 0])) for time in (0.0, 1.0, 2.0)]
    assert abs(heading[0]) < 15
    assert abs(heading[1] - 45) < 1
    assert abs(heading[2] - 90) < 15
    assert np.allclose(car.pose_at(-1.0), car.pose_at(0.0)), "it stands before the first"
    assert np.allclose(car.pose_at(9.0), car.pose_at(2.0)), "and after the last"


def test_a_single_waypoint_just_stands_as_it_was_turned() -> None:
    car = actor_of(edited(Follow(BLUE, (Waypoint(0.5, (3.0, 2.0, 1.0)),))), BLUE)
    for time in (0.0, 0.5, 4.0):
        assert np.allclose(car.pose_at(time)[:3, 3], [3, 2, 1])
        assert np.allclose(car.pose_at(time)[:2, 0], [-1, 0], atol=0.05), "the blue car looks at us"


def test_duplicates_share_their_gaussians_and_go_their_own_ways() -> None:
    result = edited(
        Duplicate(RED, "a", (0.0, 4.0, 0.0)), Duplicate(RED, "b", (0.0, 8.0, 0.0)), Move("b", 0.0, (1.0, 0.0, 0.0))
    )
    assert [part.actor for part in result.parts] == ["a", "b"]
    assert result.parts[0].gaussians.means.data_ptr() == result.parts[1].gaussians.means.data_ptr()
    assert abs(x_of(result, "b", 0.0) - x_of(result, "a", 0.0) - 1.0) < 1e-6
    assert len(result.at(0.0)) == len(SCENE.gaussians) + 2 * int(IN_RED.sum())
    assert len(edited(Duplicate(RED, BLUE)).parts) == 0, "an id that is taken makes nothing"


def test_a_repainted_car_is_green_its_lights_and_shades_in_order_and_the_last_paint_counts() -> None:
    dark = SCENE.gaussians.colors.clone()
    dark[IN_RED] *= torch.linspace(0.3, 1.0, int(IN_RED.sum()))[:, None]
    scene = replace(SCENE, gaussians=replace(SCENE.gaussians, colors=dark))
    result = stage(scene, Edits((Recolor(RED, (1.0, 1.0, 1.0)), Recolor(RED, (0.1, 0.7, 0.1)))))
    colors = result.parts[0].gaussians.colors
    assert (colors[:, 1] > colors[:, 0]).all()
    assert (colors[:, 1] > colors[:, 2]).all()
    assert (colors[:, 1].diff() >= -1e-6).all()
    assert stage(scene, Edits((Recolor(RED, (0, 1, 0)), Recolor(RED, (0, 1, 0), 0.0)))).untouched is scene.gaussians


def test_a_piece_of_wall_becomes_an_actor_that_can_be_moved() -> None:
    result = edited(Group("wall", OF_WALL, "a piece of wall"), Move("wall", 0.0, (0.0, -3.0, 0.0)))
    wall = actor_of(result, "wall")
    assert wall.name == "a piece of wall"
    assert wall.count == len(result.parts[0].gaussians) > 20
    assert np.allclose(wall.pose_at(0.3)[:3, 3], [30, 5, 3], atol=0.4)
    assert abs(float(wall.actor.size[0]) - 4.0) < 0.6
    now = result.at(0.0).means[len(result.untouched) :]
    assert torch.allclose(now[:, 1], torch.tensor(5.0))


def test_the_ground_does_not_become_part_of_a_thing_that_stands_on_it() -> None:
    assert edited(Group("road", replace(ROAD, center=(30.0, 0.0, 0.9)))).actor("road") is None
    plates = replace(
        SCENE.gaussians,
        scales=torch.tensor([0.01, 0.3, 0.3]).expand(len(SCENE.gaussians), 3),  # they face along x, as a wall ahead
    )
    assert stage(replace(SCENE, gaussians=plates), Edits((Group("road", ROAD),))).actor("road") is not None


def test_what_is_assigned_goes_with_the_actor_and_what_is_taken_away_stays_behind() -> None:
    moved = Move(RED, 0.0, (0.0, 0.0, 5.0))
    result = edited(moved, Assign(RED, OF_WALL))
    assert actor_of(result, RED).count > int(IN_RED.sum())
    assert len(result.untouched) + len(result.parts[0].gaussians) == len(SCENE.gaussians)
    car = actor_of(edited(moved), RED).pose_at(0.0)[:3, 3]
    around = Region((float(car[0]), float(car[1]), float(car[2])), (9.0, 4.0, 4.0), 0.0, 0.0)
    result = edited(moved, Assign(RED, around, adds=False))
    assert same(result.untouched, SCENE.gaussians), "where it was put, all of it was taken away"
    assert actor_of(result, RED).count == 0


def test_what_is_assigned_to_a_copy_leaves_the_surroundings() -> None:
    result = edited(Duplicate(RED, "a"), Assign("a", OF_WALL))
    assert actor_of(result, "a").count == len(result.parts[0].gaussians) > int(IN_RED.sum())
    assert len(result.at(0.0)) == len(SCENE.gaussians) + int(IN_RED.sum())


def test_erasing_deletes_what_is_in_the_box_and_spares_actors_unless_told_otherwise() -> None:
    car = actor_of(edited(), RED).pose_at(0.5)[:3, 3]
    region = Region((float(car[0]), float(car[1]), float(car[2])), (6.0, 3.0, 3.0), 0.3, 0.5)
    spared, all_gone = edited(Erase(region)), edited(Erase(region, spares_actors=False))
    assert actor_of(spared, RED).count == int(IN_RED.sum())
    assert 0 < len(SCENE.gaussians) - len(spared.untouched) < 100, "a patch of road"
    assert len(all_gone.untouched) == len(spared.untouched) - int(IN_RED.sum())
    assert actor_of(all_gone, RED).count == 0


def test_the_scene_is_never_changed() -> None:
    before = {name: column.clone() for name, column in vars(SCENE.gaussians).items()}
    owner = SCENE.grouping.actor_index.clone()
    edited(Recolor(RED, (0, 1, 0)), Group("g", OF_WALL), Erase(ROAD, False), Move("g", 0.0, (1, 1, 1)), Remove(BLUE))
    assert all(torch.equal(column, before[name]) for name, column in vars(SCENE.gaussians).items())
    assert torch.equal(SCENE.grouping.actor_index, owner)
