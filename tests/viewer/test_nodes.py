from dataclasses import replace

import numpy as np
import pytest
import torch
from small_street import BLUE_SPEED, BLUE_START, RED_SPEED, RED_START, make_gaussians, make_scene, still

from flux4d_core.motion import advance
from flux4d_core.scene.actors import ActorConfig, Grouping, find_actors
from flux4d_core.types import concatenate
from flux4d_viewer.canvas.nodes import MAX_ACTORS, MAX_CLUSTERS, Motion, find_nodes, fit_motion
from flux4d_viewer.canvas.tinting import Tint
from flux4d_viewer.theme import speed_colors

REAL = Tint("real", 0.0, 20.0)


def test_every_gaussian_is_in_exactly_one_node() -> None:
    scene = make_scene()
    nodes = find_nodes(scene)
    everyone = torch.cat([nodes.static, *(node.index for node in nodes.moving)])
    assert everyone.sort().values.tolist() == list(range(len(scene.gaussians)))


def test_the_two_cars_are_the_two_moving_nodes() -> None:
    nodes = find_nodes(make_scene())
    speeds = sorted(node.motion.speed for node in nodes.moving)
    assert speeds == pytest.approx([abs(BLUE_SPEED), RED_SPEED], abs=1e-4)
    assert all(node.actor is not None for node in nodes.moving)


def test_a_car_at_ten_metres_per_second_is_five_metres_on_after_half_a_second() -> None:
    red = next(node for node in find_nodes(make_scene()).moving if node.motion.velocity[0] > 0)
    start = red.motion.position_at(0.0)
    assert start[0] == pytest.approx(RED_START, abs=0.3)
    assert red.motion.position_at(0.5)[0] - start[0] == pytest.approx(5.0, abs=1e-4)


def test_an_oncoming_car_comes_nearer() -> None:
    blue = next(node for node in find_nodes(make_scene()).moving if node.motion.velocity[0] < 0)
    assert blue.motion.position_at(1.0)[0] == pytest.approx(BLUE_START + BLUE_SPEED, abs=0.3)


def test_nothing_moves_in_a_standing_street() -> None:
    gaussians = still(make_gaussians())
    scene = replace(make_scene(), gaussians=gaussians, grouping=find_actors(gaussians, ActorConfig()))
    nodes = find_nodes(scene)
    assert nodes.moving == ()
    assert len(nodes.static) == len(scene.gaussians)


def test_what_moves_without_an_actor_is_gathered_into_few_clusters() -> None:
    gaussians = make_gaussians()
    dice = torch.Generator().manual_seed(0)
    loose = replace(gaussians, velocities=torch.randn(gaussians.velocities.shape, generator=dice) * 5 + 8)
    scene = replace(make_scene(), gaussians=loose, grouping=Grouping((), torch.full((len(loose),), -1)))
    nodes = find_nodes(scene)
    assert 1 < len(nodes.moving) <= MAX_CLUSTERS
    everyone = torch.cat([nodes.static, *(node.index for node in nodes.moving)])
    assert everyone.sort().values.tolist() == list(range(len(loose)))
    within = [node.gaussians.velocities.std(0).norm() for node in nodes.moving if len(node.gaussians) > 1]
    assert float(torch.stack(within).mean()) < 0.6 * float(loose.velocities.std(0).norm())


def test_a_crowd_of_actors_still_makes_few_nodes() -> None:
    scene = make_scene()
    red = scene.gaussians[(scene.grouping.actor_index == 0).nonzero().squeeze(1)]
    crowd = concatenate([replace(red[i * 2 : i * 2 + 2], means=red.means[:2] + i * 20) for i in range(100)])
    actors = tuple(scene.grouping.actors[0] for _ in range(100))
    crowded = replace(scene, gaussians=crowd, grouping=Grouping(actors, torch.arange(100).repeat_interleave(2)))
    nodes = find_nodes(crowded)
    assert len(nodes.moving) <= MAX_ACTORS + MAX_CLUSTERS
    assert sum(len(node.index) for node in nodes.moving) + len(nodes.static) == 200


def test_a_turning_car_is_fitted_by_its_yaw_rate() -> None:
    red = make_gaussians()[-440:-220]
    arm = red.means - red.means.mean(0)
    rate = 0.4
    swing = torch.stack([-arm[:, 1], arm[:, 0], torch.zeros(len(arm))], -1) * rate
    motion = fit_motion(replace(red, velocities=red.velocities + swing), 0.0, turns=True)
    assert motion.yaw_rate == pytest.approx(rate, abs=1e-4)
    assert motion.yaw_at(0.5) == pytest.approx(0.2, abs=1e-4)


def test_noise_does_not_turn_a_car() -> None:
    assert fit_motion(make_gaussians()[-440:-220], 0.0, turns=True).yaw_rate == 0.0


def test_a_braking_middle_goes_half_the_acceleration_times_time_squared() -> None:
    zero = np.zeros(3)
    braking = Motion(0.0, zero, np.array([10.0, 0, 0]), np.array([-4.0, 0, 0]))
    assert braking.position_at(1.0).tolist() == [8.0, 0.0, 0.0]


@pytest.mark.parametrize("time", [0.0, 0.37, 1.0])
def test_splats_in_their_moved_frame_are_where_the_gaussians_are(time: float) -> None:
    for node in find_nodes(make_scene()).moving:
        moved = node.splats_at(node.motion.anchor, REAL).centers + node.motion.position_at(time)
        assert np.allclose(moved, advance(node.gaussians, time).means.numpy(), atol=1e-4)


def test_exact_splats_of_a_turning_node_are_where_the_gaussians_are() -> None:
    node = find_nodes(make_scene()).moving[0]
    turning = replace(node, motion=replace(node.motion, yaw_rate=0.5))
    time = turning.motion.anchor + 0.4
    cloud, yaw = turning.splats_at(time, REAL), turning.motion.yaw_at(time)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    placed = cloud.centers @ turn.T + turning.motion.position_at(time)
    assert np.allclose(placed, advance(node.gaussians, time).means.numpy(), atol=1e-4)
    straight = node.splats_at(time, REAL).covariances
    assert np.allclose(turn @ cloud.covariances @ turn.T, straight, atol=1e-5)


def test_only_what_is_faster_than_the_threshold_is_coloured_by_speed() -> None:
    node = next(node for node in find_nodes(make_scene()).moving if node.motion.velocity[0] > 0)
    coloured = node.splats_at(0.0, Tint("speed", 5.0, 20.0)).colors
    own = node.splats_at(0.0, Tint("speed", 15.0, 20.0)).colors
    assert (coloured == speed_colors(np.array([RED_SPEED]), 20.0)).all()
    assert (own == node.splats_at(0.0, REAL).colors).all()
