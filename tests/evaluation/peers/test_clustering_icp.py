"""Clusters matched by ICP."""

import sys
from dataclasses import replace

import pytest
import torch
from driving_box import VELOCITY, driving_clip, lifted_of, on_box

from flux4d_core.errors import Flux4dError, LogError
from flux4d_core.evaluation.methods import MethodsConfig, apply_methods
from flux4d_core.evaluation.peers.clustering_icp import ClusteringIcpConfig, check_libraries, clustering_icp


def test_missing_libraries_are_named_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "small_gicp", None)
    with pytest.raises(Flux4dError, match=r"found no small_gicp.*pip install 'flux4d\[evaluate\]'"):
        check_libraries()
    with pytest.raises(Flux4dError, match="found no small_gicp"):
        apply_methods(driving_clip(), None, MethodsConfig(("clustering_icp",)))


@pytest.fixture(autouse=True)
def libraries(request: pytest.FixtureRequest) -> None:
    if "monkeypatch" not in request.fixturenames:
        pytest.importorskip("sklearn", reason="needs the extra 'evaluate'")
        pytest.importorskip("small_gicp", reason="needs the extra 'evaluate'")


def test_a_box_at_ten_metres_per_second_among_walls_is_found() -> None:
    clip = driving_clip()
    lifted = lifted_of(clip)
    found = clustering_icp(clip, lifted, ClusteringIcpConfig())
    box = lifted.measured & on_box(lifted.gaussians) & (lifted.heights > 0.4)
    assert int(box.sum()) > 1000
    assert (found.velocities[box] - VELOCITY).norm(dim=-1).mean() < 0.5
    standing = lifted.measured & ~on_box(lifted.gaussians, margin=0.5)
    assert int(standing.sum()) > 3000
    assert found.velocities[standing].norm(dim=-1).mean() < 0.2


def test_it_is_found_from_two_sweeps_in_both() -> None:
    clip = driving_clip(frames=2)
    lifted = lifted_of(clip)
    found = clustering_icp(clip, lifted, ClusteringIcpConfig())
    box = lifted.measured & on_box(lifted.gaussians) & (lifted.heights > 0.4)
    for sweep in (0, 1):
        rows = box & (lifted.gaussians.sweep_index == sweep)
        assert int(rows.sum()) > 100
        assert (found.velocities[rows] - VELOCITY).norm(dim=-1).mean() < 0.5


def test_where_everything_stands_nothing_moves() -> None:
    still = torch.zeros(3)
    clip = driving_clip(still)
    lifted = lifted_of(clip)
    found = clustering_icp(clip, lifted, ClusteringIcpConfig())
    box = lifted.measured & on_box(lifted.gaussians, still)
    assert int(box.sum()) > 1000
    assert found.velocities[box].norm(dim=-1).mean() < 0.2
    assert found.velocities[lifted.measured].norm(dim=-1).mean() < 0.2


def test_faster_than_the_limit_is_not_searched() -> None:
    clip = driving_clip()
    lifted = lifted_of(clip)
    found = clustering_icp(clip, lifted, ClusteringIcpConfig(fastest=5.0))
    assert found.velocities.norm(dim=-1).max() < 6.0


def test_a_single_sweep_shows_no_motion_and_is_refused() -> None:
    clip = driving_clip()
    clip = replace(clip, sweeps=clip.sweeps[:1])
    with pytest.raises(LogError, match="two input sweeps"):
        clustering_icp(clip, lifted_of(clip), ClusteringIcpConfig())
