import numpy as np
import pytest
from small_street import RED_SPEED, make_scene

from flux4d_viewer.canvas import arrows as module
from flux4d_viewer.canvas.arrows import ARROW_SECONDS, Arrows, arrows_of
from flux4d_viewer.canvas.nodes import MovingNode, find_nodes


def nodes() -> list[MovingNode]:
    return [node for _, node in find_nodes(make_scene()).moving]


def lengths(arrows: Arrows) -> np.ndarray:
    return np.linalg.norm(arrows.points[:, 1] - arrows.points[:, 0], axis=-1)


def test_an_arrow_is_as_long_as_the_speed_times_its_seconds() -> None:
    for node, parts in zip(nodes(), arrows_of(nodes(), 20.0), strict=True):
        for arrows in parts:
            assert lengths(arrows) == pytest.approx(node.motion.speed * ARROW_SECONDS, abs=1e-4)


def test_arrows_point_the_way_things_go() -> None:
    red = next(i for i, node in enumerate(nodes()) if node.motion.velocity[0] > 0)
    points = arrows_of(nodes(), 20.0)[red][0].points
    assert ((points[:, 1] - points[:, 0]) @ np.array([1.0, 0, 0])).min() == pytest.approx(
        RED_SPEED * ARROW_SECONDS, abs=1e-4
    )


def test_every_actor_has_one_arrow_of_its_own_over_its_roof() -> None:
    for node, parts in zip(nodes(), arrows_of(nodes(), 20.0), strict=True):
        assert node.actor is not None
        assert len(parts) == 2
        (start,) = parts[1].points[:, 0] + node.motion.center
        roof = float(node.actor.center_at(node.motion.anchor)[2] + node.actor.size[2] / 2)
        assert start[2] > roof


def test_arrows_are_thinned_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ARROWS", 6)
    small = [parts[0] for parts in arrows_of(nodes(), 20.0)]
    assert 0 < sum(len(arrows.points) for arrows in small) <= 6


def test_there_are_no_arrows_where_nothing_moves() -> None:
    assert arrows_of([], 20.0) == []
