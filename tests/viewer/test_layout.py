"""Which nodes an edit changes on the page, and which it leaves alone."""

import math

import numpy as np
import pytest
import torch
from small_street import RED_SPEED, RED_START, make_scene

from flux4d_core.scene.edit.operations import (
    Duplicate,
    Edits,
    Erase,
    Group,
    Hide,
    Move,
    Operation,
    Recolor,
    Region,
    Remove,
    Reverse,
    scene_actor_id,
)
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.layout import Layout, lay_out, stage_traced
from flux4d_viewer.canvas.tinting import Tint

SCENE = make_scene()
DRAWABLE = prepare_for_browser(SCENE)
RED_NODE = next(i for i, node in enumerate(DRAWABLE.moving) if node.motion.velocity[0] > 0)
RED = DRAWABLE.moving[RED_NODE].id
RED_NAME, BLUE_NAME = f"/moving/{RED_NODE}", f"/moving/{1 - RED_NODE}"
WALL = Region((20.0, 8.0, 3.0), (10.0, 1.0, 8.0), 0.0, 0.0)


def layout_after(*operations: Operation) -> Layout:
    return lay_out(DRAWABLE, *stage_traced(SCENE, Edits(operations)))


def test_without_edits_every_node_is_as_sent() -> None:
    layout = layout_after()
    assert layout.static is DRAWABLE.static
    assert [laid.node for laid in layout.moving.values()] == list(DRAWABLE.moving)
    assert all(laid.shown and laid.content == "" for laid in layout.moving.values())


def test_a_removed_or_hidden_car_is_only_not_shown() -> None:
    for operation in (Remove(RED), Hide(RED)):
        layout = layout_after(operation)
        assert not layout.moving[RED_NAME].shown
        assert layout.moving[RED_NAME].content == layout.moving[BLUE_NAME].content == layout.static_content == ""
        assert layout.moving[BLUE_NAME].node is DRAWABLE.moving[1 - RED_NODE]


def test_a_car_moved_by_five_metres_keeps_its_splats_and_stands_five_metres_on() -> None:
    laid = layout_after(Move(RED, 0.0, (5.0, 0.0, 0.0))).moving[RED_NAME]
    assert laid.content == ""
    assert laid.node.pose_at(0.0)[:3, 3] == pytest.approx([RED_START + 5.0, -2.0, 0.8], abs=0.1)
    assert laid.node.pose_at(1.0)[0, 3] - laid.node.pose_at(0.0)[0, 3] == pytest.approx(RED_SPEED, abs=1e-3)


def test_a_car_turned_by_ninety_degrees_drives_to_the_left_with_its_frame_turned() -> None:
    node = layout_after(Move(RED, 0.0, yaw=math.pi / 2)).moving[RED_NAME].node
    step = node.pose_at(1.0)[:3, 3] - node.pose_at(0.0)[:3, 3]
    assert step == pytest.approx([0.0, RED_SPEED, 0.0], abs=1e-2)
    assert node.pose_at(0.0)[:3, 0] == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)


def test_in_reverse_the_car_goes_back_and_no_arrow_points_the_wrong_way() -> None:
    laid = layout_after(Reverse(RED, 0.5)).moving[RED_NAME]
    assert laid.node.pose_at(1.0)[0, 3] - laid.node.pose_at(0.0)[0, 3] == pytest.approx(-RED_SPEED, abs=1e-3)
    assert laid.arrows is None
    assert not laid.keeps_time


def test_paint_is_new_splats_for_that_car_alone() -> None:
    layout = layout_after(Recolor(RED, (0.1, 0.8, 0.1)))
    assert layout.moving[RED_NAME].content
    assert layout.moving[BLUE_NAME].content == layout.static_content == ""
    red, green, _ = layout.moving[RED_NAME].node.gaussians.colors.mean(0).tolist()
    assert green > 3 * red


def test_a_painted_car_is_shown_where_errors_are_coloured() -> None:
    node = layout_after(Recolor(RED, (0.1, 0.8, 0.1))).moving[RED_NAME].node
    cloud = node.splats_at(0.5, Tint("error"), torch.ones(len(SCENE.gaussians)))
    assert len(cloud.centers) == len(node.gaussians)


def test_equal_edits_are_equal_content_and_others_are_not() -> None:
    once, again = (layout_after(Recolor(RED, (0.1, 0.8, 0.1))).moving[RED_NAME].content for _ in range(2))
    assert once == again
    assert once != layout_after(Recolor(RED, (0.8, 0.8, 0.1))).moving[RED_NAME].content


def test_a_second_car_is_one_more_node() -> None:
    layout = layout_after(Duplicate(RED, "twin", (0.0, 4.0, 0.0)))
    (name,) = layout.moving.keys() - {RED_NAME, BLUE_NAME}
    twin = layout.moving[name]
    assert twin.is_new
    assert twin.node.id == "twin"
    assert twin.node.pose_at(0.0)[:3, 3] == pytest.approx([RED_START, 2.0, 0.8], abs=0.1)
    assert layout.moving[RED_NAME].node is DRAWABLE.moving[RED_NODE]


def test_what_is_erased_or_moved_away_leaves_the_standing_node() -> None:
    for operations in ((Erase(WALL),), (Group("wall", WALL), Move("wall", 0.0, (0.0, 3.0, 0.0)))):
        layout = layout_after(*operations)
        assert layout.static is not None and DRAWABLE.static is not None
        centers = layout.static.cloud.centers
        assert len(centers) < len(DRAWABLE.static.cloud.centers)
        inside = (np.abs(centers[:, 0] - 20) < 5) & (np.abs(centers[:, 1] - 8) < 0.5) & (centers[:, 2] > 0.3)
        assert not inside.any()
    assert any(laid.node.id == "wall" for laid in layout.moving.values())


def test_what_is_only_named_an_actor_is_not_sent_again() -> None:
    layout = layout_after(Group("wall", WALL))
    assert layout.static is DRAWABLE.static
    assert len(layout.moving) == 2


def test_ids_with_slashes_stay_one_name_in_the_tree() -> None:
    names = layout_after(Duplicate(RED, "a/b")).moving.keys()
    assert all(name.count("/") == 2 for name in names)


def test_the_trace_tells_the_untouched_and_changes_no_bit_of_them() -> None:
    staged, kept = stage_traced(SCENE, Edits((Move(RED, 0.0, (1.0, 0.0, 0.0)),)))
    members = SCENE.grouping.actor_index == int(RED.removeprefix("actor-")) - 1
    assert scene_actor_id(0) == "actor-1"
    assert torch.equal(kept, ~members)
    for name, column in vars(staged.untouched).items():
        assert torch.equal(column, getattr(SCENE.gaussians, name)[~members])
