from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from flux4d_core.simulation.light.renderer import Renderer
from flux4d_core.simulation.rays.bundles import Bundles
from flux4d_core.simulation.rays.casting import SKY, cast, meet
from flux4d_core.simulation.rays.columns import Columns
from flux4d_core.simulation.rays.solids import Solids, When
from flux4d_core.simulation.rays.spots import Spots
from flux4d_core.simulation.street.build import build_street
from flux4d_core.simulation.street.parts import Shape

START = (2.0, -1.0, 2.2)


@pytest.fixture(scope="module", params=[8, 21])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    return Renderer(build_street(request.param, 0.5), "cpu")


def _rays(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    directions = torch.randn(count, 3, generator=generator) * torch.tensor([1.0, 1.0, 0.3])
    return torch.tensor(START).expand(count, 3), torch.nn.functional.normalize(directions, dim=1)


def _nearest_of_all(solids: Solids, origins: torch.Tensor, directions: torch.Tensor, time: float) -> torch.Tensor:
    """Range to the nearest part without holes, by trying every ray with every part."""
    ranges = torch.full((len(origins),), torch.inf)
    maps = solids.at([time]).maps
    for part in range(len(solids)):
        if solids.cover.perforated[part]:
            continue
        origin = (maps[part, :, :3] @ origins.T + maps[part, :, 3:])[None]
        direction = (maps[part, :, :3] @ directions.T)[None]
        index = torch.tensor([part])
        near, far = meet(Shape(int(solids.cover.shapes[part])), origin, direction, solids.cover.planes, index)
        met = (near <= far) & (near > 0.02)
        ranges = torch.minimum(ranges, torch.where(met, near, torch.inf)[0])
    return ranges


def _bundles(renderer: Renderer, directions: torch.Tensor, num_bundles: int, time: float) -> Bundles:
    """Rays from one point at one time."""
    return Bundles(
        origins=torch.tensor(START).reshape(1, 3, 1).expand(num_bundles, -1, -1),
        directions=directions.reshape(num_bundles, -1, 3).transpose(1, 2).contiguous(),
        when=When(renderer.solids.at([time]), torch.zeros(num_bundles, dtype=torch.long)),
        elapsed=None,
        spacing=torch.full((num_bundles,), 1e-3),
    )


def test_bounding_never_loses_a_part_that_trying_all_parts_finds(renderer: Renderer) -> None:
    count, time = 1024, 0.3
    origins, directions = _rays(count)
    # Four bundles, each of rays in all directions, are the widest cones there are; bundles of one ray the narrowest.
    bundles, narrow = _bundles(renderer, directions, 4, time), _bundles(renderer, directions, count, time)
    ground = renderer.street.ground
    wide_hits = cast(bundles, renderer.solids, ground, renderer.holes)
    hits = cast(narrow, renderer.solids, ground, renderer.holes)
    # A ray that grazes a leaf may round either way.
    assert _num_different(hits.ranges.reshape(-1), wide_hits.ranges.reshape(-1)) <= 2
    expected = torch.minimum(
        _nearest_of_all(renderer.solids, origins, directions, time), ground.meet(origins, directions)
    )
    found = hits.ranges.reshape(-1)
    # Leaves and railings may stop a ray earlier; nothing may let it pass.
    assert int((found > expected + 1e-3).sum()) <= 1
    has_holes = renderer.solids.cover.perforated[hits.parts.reshape(-1).clamp(min=0)] & (hits.parts.reshape(-1) >= 0)
    assert _num_different(found[~has_holes], expected[~has_holes]) <= 1
    assert bool(((hits.parts.reshape(-1) == SKY) == torch.isinf(found)).all())


def _num_different(a: torch.Tensor, b: torch.Tensor) -> int:
    return int((~torch.isclose(a, b, atol=1e-3)).sum())


def test_moving_parts_are_met_where_they_are_when_each_ray_is_cast(renderer: Renderer) -> None:
    """One bundle whose rays are spread over 4 ms gives each ray what a bundle of its own would."""
    count, moment = 256, 0.2
    _, directions = _rays(count)
    elapsed = torch.linspace(-0.002, 0.002, count)
    middle = torch.tensor([moment], dtype=torch.float64)
    # The nearest instant for which all parts are known lies 50 ms earlier.
    when = When(renderer.solids.at([moment - 0.05]), torch.zeros(1, dtype=torch.long), middle)
    together = replace(_bundles(renderer, directions, 1, moment), when=when, elapsed=elapsed[None])
    hits = cast(together, renderer.solids, renderer.street.ground, renderer.holes)
    for number in range(0, count, 8):
        alone = _bundles(renderer, directions[number], 1, moment + float(elapsed[number]))
        own = cast(alone, renderer.solids, renderer.street.ground, renderer.holes)
        assert float(own.ranges[0, 0]) == pytest.approx(float(hits.ranges[0, number]), abs=1e-3)


def test_a_point_is_in_the_shade_exactly_if_some_part_is_between_it_and_the_sun(renderer: Renderer) -> None:
    time = 0.1
    generator = torch.Generator().manual_seed(2)
    points = torch.rand(400, 3, generator=generator) * torch.tensor([60.0, 24.0, 3.0]) + torch.tensor(
        [-10.0, -12.0, 0.3]
    )
    sun = torch.nn.functional.normalize(torch.tensor([0.4, 0.7, 0.5]), dim=0)
    solids = renderer.solids
    instants = solids.at([0.0, time])
    everyone = torch.ones(400, dtype=torch.long)
    spots = Spots(points, points, points[:, 0], torch.full((400,), 0.01), everyone)
    blocked = torch.zeros(400, dtype=torch.bool)
    for moving in (False, True):
        chosen = (torch.arange(len(solids)) >= solids.num_standing) == moving
        (index,) = torch.nonzero(chosen & ~solids.cover.perforated, as_tuple=True)
        Columns(solids, instants, index, sun).block(blocked, spots, renderer.holes)
    ranges = _nearest_of_all(solids, points, sun.expand(400, 3), time)
    inside = _inside_any(solids, points, time)
    assert torch.equal(blocked[~inside], (ranges < torch.inf)[~inside])
    assert 0.05 < blocked.float().mean() < 0.95


def _inside_any(solids: Solids, points: torch.Tensor, time: float) -> torch.Tensor:
    """Points inside some part, or within 5 cm of one, where self-shadowing rules differ."""
    maps = solids.at([time]).maps
    unit = torch.einsum("nij,pj->npi", maps[:, :, :3], points) + maps[:, None, :, 3]
    grown = 1 + 0.05 / solids.cover.half
    return ((unit.abs() / grown[:, None]).amax(2) <= 1).any(0)
