import numpy as np
import pytest
from small_street import RED_SPEED, make_scene

from flux4d_viewer.canvas import arrows as module
from flux4d_viewer.canvas.arrows import Arrows, arrows_of
from flux4d_viewer.canvas.nodes import MovingNode, find_nodes
from flux4d_viewer.looking import ArrowsPer
from flux4d_viewer.theme import heading_colors, speed_colors

DENSITIES: tuple[ArrowsPer, ...] = ("gaussian", "cell", "actor")


def nodes() -> list[MovingNode]:
    return list(find_nodes(make_scene()).moving)


def lengths(arrows: Arrows, seconds: float) -> np.ndarray:
    points = arrows.points(seconds)
    return np.linalg.norm(points[:, 1] - points[:, 0], axis=-1)


@pytest.mark.parametrize("per", DENSITIES)
@pytest.mark.parametrize("seconds", [0.25, 1.0])
def test_an_arrow_is_as_long_as_the_speed_times_its_seconds(per: ArrowsPer, seconds: float) -> None:
    for node, sets in zip(nodes(), arrows_of(nodes(), 20.0), strict=True):
        assert lengths(sets.of(per), seconds) == pytest.approx(node.motion.speed * seconds, abs=1e-4)


def test_arrows_point_the_way_things_go() -> None:
    red = next(i for i, node in enumerate(nodes()) if node.motion.velocity[0] > 0)
    points = arrows_of(nodes(), 20.0)[red].cell.points(0.5)
    assert ((points[:, 1] - points[:, 0]) @ np.array([1.0, 0, 0])).min() == pytest.approx(RED_SPEED / 2, abs=1e-4)


def test_every_actor_has_one_arrow_of_its_own_over_its_roof() -> None:
    for node, sets in zip(nodes(), arrows_of(nodes(), 20.0), strict=True):
        assert node.actor is not None
        (start,) = sets.actor.starts + node.motion.center
        roof = float(node.actor.center_at(node.motion.anchor)[2] + node.actor.size[2] / 2)
        assert start[2] > roof


@pytest.mark.parametrize("per", DENSITIES)
def test_arrows_are_thinned_to_the_limit(monkeypatch: pytest.MonkeyPatch, per: ArrowsPer) -> None:
    monkeypatch.setattr(module, "MAX_ARROWS", 6)
    assert 0 < sum(len(sets.of(per).starts) for sets in arrows_of(nodes(), 20.0)) <= 6


def test_below_the_limit_every_gaussian_has_its_arrow() -> None:
    assert [len(sets.gaussian.starts) for sets in arrows_of(nodes(), 20.0)] == [220, 220]


def test_arrows_have_the_legends_colours() -> None:
    red = next(i for i, node in enumerate(nodes()) if node.motion.velocity[0] > 0)
    arrow = arrows_of(nodes(), 20.0)[red].actor
    assert (arrow.colors(by_heading=False) == speed_colors(np.array([RED_SPEED]), 20.0)).all()
    assert (arrow.colors(by_heading=True) == heading_colors(np.array([[1.0, 0, 0]]))).all()


def test_there_are_no_arrows_where_nothing_moves() -> None:
    assert arrows_of([], 20.0) == []
