"""A small network fitted to one clip, as a prior that neighbours move alike: after neural scene flow priors.

NSFP (Li, Pontes and Lucey, NeurIPS 2021) fits a network to one pair of sweeps: it maps a place to its flow, and its
only loss is the truncated Chamfer distance of the moved returns to the other sweep, both ways, forward and back in
time. Here one network of theirs (8 hidden layers of 128, ReLU, Adam) maps place and time to a velocity for all pairs
of consecutive input sweeps, one pair a step, so the flow back in time is the same velocity the other way. Nearest
neighbours are exact; FastNSF (ICCV 2023) reads them from a distance transform, which pays on a GPU with whole
sweeps, but with the few thousand returns a step that a CPU can push through the network, they are not what takes time.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flux4d_core.evaluation.peers.returns import Returns, consecutive, upright_returns, with_velocities
from flux4d_core.learning.neighbors import nearest
from flux4d_core.progress import Report, silent
from flux4d_core.types import Clip, Gaussians, Lifted


@dataclass(frozen=True)
class NeuralPriorConfig:
    """NSFP's own settings but where a comment says otherwise."""

    layers: int = 8
    width: int = 128
    rate: float = 8e-3
    """Of Adam."""
    truncation: float = 2.0
    """Returns farther than this from the other sweep (m) do not count."""
    steps: int = 1500
    """At most; theirs are 5000, for a single pair."""
    samples: int = 2048
    """Returns of each sweep drawn for a step; ours, for speed: theirs are all."""
    check: int = 50
    """Steps between looks at the loss over all pairs."""
    patience: int = 4
    """Looks without a better loss, after which fitting stops."""
    seed: int = 0


class _Field(nn.Module):
    """Place and time -> velocity (m/s)."""

    def __init__(self, config: NeuralPriorConfig, origin: Float[Tensor, "4"], interval: float) -> None:
        super().__init__()
        sizes = [4, *[config.width] * config.layers]
        linear = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        self.layers = nn.Sequential(*[layer for one in linear for layer in (one, nn.ReLU())], nn.Linear(sizes[-1], 3))
        self.origin, self.interval = origin, interval

    def forward(self, points: Float[Tensor, "P 3"], times: Float[Tensor, "P"]) -> Float[Tensor, "P 3"]:
        """Inside, places are metres as NSFP has them, times and flows count in intervals between sweeps."""
        there = torch.cat([points, times[:, None]], -1) - self.origin
        there = torch.cat([there[:, :3], there[:, 3:] / self.interval], -1)
        return self.layers(there) / self.interval


def neural_prior(clip: Clip, lifted: Lifted, config: NeuralPriorConfig, report: Report = silent) -> Gaussians:
    """The lifted Gaussians with the velocities of a network fitted to this clip; the same ones every time.

    Raises:
        LogError: no LiDAR of the clip has two sweeps with returns above the ground.
    """
    device = lifted.gaussians.means.device
    returns = [Returns(r.points.to(device), r.times.to(device)) for r in upright_returns(clip, lifted)]
    pairs = [(returns[i], returns[j]) for i, j in consecutive(clip, returns)]
    with torch.enable_grad():
        field = _fitted(pairs, lifted, config, report)
    velocities = [field(group.points, group.times).cpu() for group in returns]
    return with_velocities(lifted, [Returns(r.points.cpu(), r.times.cpu()) for r in returns], velocities)


def _fitted(pairs: list[tuple[Returns, Returns]], lifted: Lifted, config: NeuralPriorConfig, report: Report) -> _Field:
    """The network at its best look."""
    generator = torch.Generator().manual_seed(config.seed)
    gaps = torch.tensor([float(b.times.mean() - a.times.mean()) for a, b in pairs])
    middle = torch.cat([a.times for a, _ in pairs]).mean()[None]
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        field = _Field(config, torch.cat([lifted.center, middle]), float(gaps.abs().median()))
    field = field.to(lifted.center.device)
    optimizer = torch.optim.Adam(field.parameters(), lr=config.rate)
    best, state, worse = float("inf"), field.state_dict(), 0
    held = [tuple(_drawn(group, config.samples, generator) for group in pair) for pair in pairs]
    for step in range(config.steps):
        if step % config.check == 0:
            report("Fitting a neural prior", step / config.steps)
            with torch.no_grad():
                loss = sum(float(_both_ways(field, a, b, config.truncation)) for a, b in held) / len(held)
            worse = worse + 1 if loss >= best else 0
            if loss < best:
                best, state = loss, {name: value.clone() for name, value in field.state_dict().items()}
            if worse >= config.patience:
                break
        pair = pairs[int(torch.randint(len(pairs), (1,), generator=generator))]
        a, b = (_drawn(group, config.samples, generator) for group in pair)
        optimizer.zero_grad(set_to_none=True)
        _both_ways(field, a, b, config.truncation).backward()
        optimizer.step()
    report("Fitting a neural prior", 1.0)
    field.load_state_dict(state)
    return field.requires_grad_(False)


def _drawn(group: Returns, count: int, generator: torch.Generator) -> Returns:
    rows = torch.randperm(len(group), generator=generator)[:count].to(group.points.device)
    return Returns(group.points[rows], group.times[rows])


def _both_ways(field: _Field, a: Returns, b: Returns, truncation: float) -> Tensor:
    """Forward in time and back."""
    return _chamfer(field, a, b, truncation) + _chamfer(field, b, a, truncation)


def _chamfer(field: _Field, source: Returns, target: Returns, truncation: float) -> Tensor:
    """Mean squared distances of moved source and target, both ways; what has nothing near does not count."""
    elapsed = target.times.mean() - source.times
    moved = source.points + field(source.points, source.times) * elapsed[:, None]
    there = (moved - target.points[nearest(moved.detach(), target.points)]).square().sum(-1)
    back = (target.points - moved[nearest(target.points, moved.detach())]).square().sum(-1)
    return sum(torch.where(d < truncation**2, d, 0.0).mean() for d in (there, back))  # pyright: ignore[reportReturnType]
