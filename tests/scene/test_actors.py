"""Which Gaussians move together."""

from dataclasses import replace

import pytest
import torch
from toy_scene import toy_gaussians

from flux4d_core.scene.actors import ActorConfig, find_actors, guess_kind


def test_two_balls_that_fly_apart_are_two_actors_and_the_wall_is_none() -> None:
    gaussians = toy_gaussians()
    grouping = find_actors(gaussians, ActorConfig())
    assert len(grouping.actors) == 2
    assert (grouping.actor_index[:1000] == -1).all()
    assert len(grouping.actor_index[1000:1200].unique()) == 1
    assert grouping.actor_index[1000] != grouping.actor_index[1200]


def test_an_actor_knows_its_speed_its_heading_and_where_it_will_be() -> None:
    gaussians = toy_gaussians()
    grouping = find_actors(gaussians, ActorConfig())
    first = grouping.actors[int(grouping.actor_index[1000])]
    assert abs(first.speed - 10.0) < 1e-4
    assert torch.allclose(first.box_to_world[:3, 0], torch.tensor([1.0, 0.0, 0.0]), atol=1e-5)
    assert torch.allclose(first.center_at(first.time + 1.0) - first.center_at(first.time), torch.tensor([10.0, 0, 0]))
    assert torch.allclose(first.box_to_world[:3, 3], torch.tensor([10.0, 3.0, 0.0]), atol=0.2)
    assert first.size.min() > 0.8
    assert first.size.max() < 1.8
    second = grouping.actors[int(grouping.actor_index[1200])]
    assert torch.allclose(second.box_to_world[:3, 0], torch.tensor([0.0, -1.0, 0.0]), atol=1e-5)


def test_two_things_at_one_place_with_different_velocities_are_two_actors() -> None:
    gaussians = toy_gaussians()
    means = gaussians.means.clone()
    means[1200:] = means[1000:1200]
    assert len(find_actors(replace(gaussians, means=means), ActorConfig()).actors) == 2


def test_gaussians_lifted_at_different_times_from_one_car_are_one_actor() -> None:
    gaussians = toy_gaussians()
    times = gaussians.times.clone()
    means = gaussians.means.clone()
    times[1000:1100] = 0.5  # half of the ball was seen later, five metres on
    means[1000:1100, 0] += 5.0
    grouping = find_actors(replace(gaussians, means=means, times=times), ActorConfig())
    assert len(grouping.actor_index[1000:1200].unique()) == 1


def test_nothing_moving_means_no_actors_and_neither_do_a_few_strays() -> None:
    gaussians = toy_gaussians(ball=10)
    grouping = find_actors(gaussians, ActorConfig())
    assert grouping.actors == ()
    assert (grouping.actor_index == -1).all()


def test_balls_that_are_known_to_be_one_thing_stay_one_though_they_fly_apart() -> None:
    gaussians = toy_gaussians()
    given = torch.full((len(gaussians),), -1)
    given[1000:] = 0
    grouping = find_actors(gaussians, ActorConfig(), given)
    assert len(grouping.actors) == 1
    assert grouping.actors[0].count == 400


def test_what_is_linked_to_a_known_actor_goes_along_and_the_rest_is_grouped_by_itself() -> None:
    gaussians = toy_gaussians()
    given = torch.full((len(gaussians),), -1)
    given[1000:1190] = 3  # the last ten of the first ball are not known
    grouping = find_actors(gaussians, ActorConfig(), given)
    assert len(grouping.actors) == 2
    assert len(grouping.actor_index[1000:1200].unique()) == 1
    assert grouping.actor_index[1000] != grouping.actor_index[1200]


def test_two_known_actors_at_one_place_with_one_velocity_stay_two() -> None:
    gaussians = toy_gaussians()
    given = torch.full((len(gaussians),), -1)
    given[1000:1100], given[1100:1200] = 0, 1
    grouping = find_actors(gaussians, ActorConfig(), given)
    assert len(grouping.actors) == 3
    assert grouping.actor_index[1000] != grouping.actor_index[1100]


@pytest.mark.parametrize(
    ("size", "speed", "kind"),
    [
        ((4.5, 1.8, 1.5), 10.0, "car"),
        ((4.5, 1.8, 1.5), 0.0, "car"),
        ((0.9, 1.8, 1.4), 10.0, "car"),  # only its back was seen
        ((12.0, 2.5, 3.2), 8.0, "truck"),
        ((1.3, 2.3, 2.5), 8.0, "truck"),
        ((0.5, 0.6, 1.7), 1.5, "person"),
        ((1.8, 0.6, 1.7), 5.0, "two-wheeler"),
        ((0.6, 0.6, 1.6), 7.0, "two-wheeler"),
        ((0.3, 0.3, 0.3), 2.0, "object"),
        ((3.3, 0.1, 0.6), 7.5, "object"),
    ],
)
def test_sizes_and_speeds_of_every_day_have_their_names(
    size: tuple[float, float, float], speed: float, kind: str
) -> None:
    assert guess_kind(*size, speed) == kind


def test_actors_are_counted_by_kind_the_largest_first() -> None:
    names = [actor.name for actor in find_actors(toy_gaussians(), ActorConfig()).actors]
    kinds = [actor.kind for actor in find_actors(toy_gaussians(), ActorConfig()).actors]
    assert names == [f"{kinds[0]} 1", f"{kinds[1]} {1 + (kinds[0] == kinds[1])}"]
