"""Sparse voxels: sorted keys, the tables that say who neighbours whom, and the way from points to voxels and back.

A voxel is one int64 key: the scene's index in the batch above 20 bits each of x, y and z. Keys are sorted, so rows
of one scene lie together, and neighbours along z lie side by side. Every table is built once, with plain torch on the
keys' device, and then serves all networks that run on the same points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Int32, Int64
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from flux4d_core.errors import Flux4dError

MAX_SCENES = 8
"""Scenes one batch can hold: three bits of the key."""

_BITS = 20
_MASK = (1 << _BITS) - 1
_HALF = 1 << (_BITS - 1)  # cell 0 is stored as this, so stored cells are never negative
_STEPS = (1 << (2 * _BITS), 1 << _BITS, 1)  # what one cell along x, y, z adds to a key
_SCENE_SHIFT = 3 * _BITS
_BLOCK_PAIRS = 1 << 16  # table entries per block of a pair list: a block of 128 channels stays in the cache


def encode_cells(cells: Int[Tensor, "V 3"], scenes: Int[Tensor, "V"] | None = None) -> Int64[Tensor, "V"]:
    """Keys of integer cells. Both outermost cells of each axis stay free, so a neighbour's key never wraps around.

    Cells lie within +-(2^19 - 2), scenes within 0 to `MAX_SCENES` - 1; `voxelize` refuses all others.
    """
    x, y, z = (cells.long() + _HALF).unbind(1)
    keys = x * _STEPS[0] + y * _STEPS[1] + z
    return keys if scenes is None else keys + (scenes.long() << _SCENE_SHIFT)


def decode_cells(keys: Int64[Tensor, "V"]) -> Int64[Tensor, "V 3"]:
    """The cells of `encode_cells`."""
    return torch.stack([(keys >> shift) & _MASK for shift in (2 * _BITS, _BITS, 0)], 1) - _HALF


def decode_scenes(keys: Int64[Tensor, "V"]) -> Int64[Tensor, "V"]:
    """Which scene of the batch each voxel belongs to."""
    return keys >> _SCENE_SHIFT


@dataclass(frozen=True)
class Voxelization:
    """Which voxel each point falls into."""

    keys: Int64[Tensor, "V"]
    """The occupied voxels, sorted."""
    inverse: Int64[Tensor, "N"]
    """Row in `keys` of each point's voxel."""
    counts: Int64[Tensor, "V"]
    """Points per voxel, at least 1."""
    voxel_size: float
    """Edge length (m)."""

    @property
    def centers(self) -> Float[Tensor, "V 3"]:
        """Centres of the voxels, in the points' frame (m)."""
        return (decode_cells(self.keys) + 0.5) * self.voxel_size


def voxelize(points: Float[Tensor, "N 3"], voxel_size: float, batch: Int[Tensor, "N"] | None = None) -> Voxelization:
    """Sort points into cubes of `voxel_size` metres; `batch` says which scene each point belongs to (None: all to 0).

    The outcome does not depend on the points' order. A point further than 2^19 - 2 voxels from the origin along any
    axis, or not finite, is refused with a `Flux4dError`: it would alias another voxel, and dropping it would leave
    its Gaussian without features.
    """
    assert voxel_size > 0 and len(points) > 0, f"nothing to voxelize: {len(points)} points, voxel size {voxel_size}"
    cells = torch.floor(points.detach() / voxel_size)
    if not (cells.abs() <= _HALF - 2).all():  # also true of NaN
        raise Flux4dError(
            f"points must be finite and within {(_HALF - 2) * voxel_size:.0f} m of the clip's origin for voxels of "
            f"{voxel_size} m, found {points.abs().max():.4g} m: check the log's poses or use larger voxels"
        )
    if batch is not None and not ((batch >= 0) & (batch < MAX_SCENES)).all():
        raise Flux4dError(
            f"a batch holds at most {MAX_SCENES} scenes, found indices {int(batch.min())} to {int(batch.max())}"
        )
    keys, inverse, counts = torch.unique(encode_cells(cells.long(), batch), return_inverse=True, return_counts=True)
    return Voxelization(keys, inverse, counts, voxel_size)


class _SegmentReduce(Function):
    """Sum or mean over the points of each voxel: sorted, then reduced in order, so neither direction scatters."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, inverse: Tensor, num_voxels: int, mode: str) -> Tensor:
        rows, order = torch.sort(inverse, stable=True)
        starts = torch.searchsorted(rows, torch.arange(num_voxels + 1, device=rows.device))
        ctx.save_for_backward(inverse, starts.diff() if mode == "mean" else None)
        return F.embedding_bag(order, features.contiguous(), starts, mode=mode, include_last_offset=True)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        inverse, counts = ctx.saved_tensors
        if counts is not None:
            grad = grad / counts.clamp(min=1)[:, None]
        return grad.index_select(0, inverse), None, None, None


def scatter_mean(features: Float[Tensor, "N C"], inverse: Int[Tensor, "N"], num_voxels: int) -> Float[Tensor, "V C"]:
    """Mean of the points' features in each of `num_voxels` voxels; 0 where there is no point.

    Deterministic on every device.
    """
    return _SegmentReduce.apply(features, inverse, num_voxels, "mean")  # pyright: ignore[reportReturnType]


def scatter_sum(features: Float[Tensor, "N C"], inverse: Int[Tensor, "N"], num_voxels: int) -> Float[Tensor, "V C"]:
    """Sum of the points' features in each of `num_voxels` voxels; as `scatter_mean` otherwise."""
    return _SegmentReduce.apply(features, inverse, num_voxels, "sum")  # pyright: ignore[reportReturnType]


@dataclass(frozen=True)
class Pairs:
    """A stencil's existing entries only, as lists, block by block of output rows: what the CPU multiplies.

    Inside a block the pairs run tap by tap, so each tap is one matrix product on neighbouring rows.
    """

    inputs: Int32[Tensor, "P"]
    """Row that is read."""
    outputs: Int32[Tensor, "P"]
    """Row that it contributes to."""
    order: Int32[Tensor, "P"]
    """The same pairs sorted by output row: places in `inputs`, counted from the block's first pair."""
    starts: Int32[Tensor, "edges"]
    """Where each output row begins in `order`, over all blocks."""
    tap_counts: tuple[tuple[int, ...], ...]
    """Pairs of each tap, for every block."""
    block_rows: int
    """Output rows per block (the last may have fewer)."""


@dataclass(frozen=True)
class Stencil:
    """Which input rows each output row reads, tap by tap."""

    table: Int32[Tensor, "rows taps"]
    """Input row, or `num_inputs` where there is none."""
    num_inputs: int

    @cached_property
    def pairs(self) -> Pairs:
        """The same as lists, built when first asked for."""
        return _list_pairs(self.table, self.num_inputs)


@dataclass(frozen=True)
class Level:
    """The voxels of one resolution."""

    keys: Int64[Tensor, "V"]
    """Sorted."""
    neighbors: Stencil
    """(V, 27): rows of the 3 x 3 x 3 voxels around each, x slowest, z fastest; column 13 is the voxel itself."""
    coarser: Coarser | None
    """The way to voxels twice as large; None at the last level that was built."""


@dataclass(frozen=True)
class Coarser:
    """How a level's voxels lie in the next coarser ones, their parents."""

    level: Level
    slots: Int32[Tensor, "V"]
    """Of each finer voxel: 8 * row of its parent + octant in it (x slowest, z fastest)."""
    children: Stencil
    """(parents, 8): the finer voxel in every octant of each parent."""


def build_pyramid(keys: Int64[Tensor, "V"], levels: int) -> Level:
    """The finest of `levels` resolutions, linked to the coarser ones, each of voxels twice as large.

    `keys` are sorted and unique, as `voxelize` gives them. Runs on their device; the only part of the network that
    waits for a GPU (to learn how many voxels each level has).
    """
    assert levels >= 1, f"a pyramid has at least one level, asked for {levels}"
    coarser = None
    if levels > 1:
        parents, slots, children = _link(keys)
        coarser = Coarser(build_pyramid(parents, levels - 1), slots, Stencil(children, len(keys)))
    return Level(keys, Stencil(_neighbor_table(keys), len(keys)), coarser)


def _neighbor_table(keys: Int64[Tensor, "V"]) -> Int32[Tensor, "V 27"]:
    """Row of each voxel's 27 neighbours, V where empty.

    One search answers three neighbours along z, which are adjacent in key order; half of the table is the other half
    mirrored. The last column of the buffer takes what is found nowhere, so nothing waits for a GPU.
    """
    num = len(keys)
    rows = torch.arange(num, dtype=torch.int32, device=keys.device)
    table = torch.full((27, num + 1), num, dtype=torch.int32, device=keys.device)
    padded = torch.cat([keys, keys.new_full((3,), torch.iinfo(torch.int64).max)])

    def link(tap: int, found: Tensor, place: Tensor) -> None:
        neighbor = torch.where(found, place, num)
        table[tap, :num] = neighbor
        table[26 - tap].index_copy_(0, neighbor, rows)

    table[13, :num] = rows
    place = torch.arange(1, num + 1, device=keys.device)
    link(14, padded[1 : num + 1] == keys + 1, place)
    for dx, dy in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
        lowest = keys + (dx * _STEPS[0] + dy * _STEPS[1] - 1)
        place = torch.searchsorted(keys, lowest)
        for dz in range(3):
            found = padded[place] == lowest + dz
            link(9 * (dx + 1) + 3 * (dy + 1) + dz, found, place)
            place = place + found
    return table[:, :num].t().contiguous()


def _link(keys: Int64[Tensor, "V"]) -> tuple[Int64[Tensor, "parents"], Int32[Tensor, "V"], Int32[Tensor, "parents 8"]]:
    """The next coarser level: its keys, each voxel's slot in it, and the child in every slot (V where empty)."""
    cells = decode_cells(keys)
    parent_keys = encode_cells(cells >> 1, decode_scenes(keys))
    octants = ((cells & 1) * torch.tensor([4, 2, 1], device=keys.device)).sum(1)
    parents, row = torch.unique(parent_keys, return_inverse=True)
    slots = row * 8 + octants
    children = torch.full((len(parents) * 8,), len(keys), dtype=torch.int32, device=keys.device)
    children[slots] = torch.arange(len(keys), dtype=torch.int32, device=keys.device)
    return parents, slots.int(), children.view(-1, 8)


def _list_pairs(table: Int32[Tensor, "rows taps"], num_inputs: int) -> Pairs:
    num_rows, taps = table.shape
    size = max(1, min(_BLOCK_PAIRS // taps, num_rows))
    blocks = -(-num_rows // size)
    by_row = F.pad(table, (0, 0, 0, blocks * size - num_rows), value=num_inputs).view(blocks, size, taps)
    by_tap = by_row.transpose(1, 2).contiguous()
    found = by_tap < num_inputs
    block, _, row = found.nonzero(as_tuple=True)
    first = found.sum((1, 2)).cumsum(0) - found.sum((1, 2))
    ranks = (found.flatten().cumsum(0).view_as(found) - 1 - first[:, None, None]).int()
    starts = F.pad(found.sum(1).flatten()[:num_rows].cumsum(0), (1, 0)).int()
    return Pairs(
        inputs=by_tap[found],
        outputs=(block * size + row).int(),
        order=ranks.transpose(1, 2)[by_row < num_inputs],
        starts=starts,
        tap_counts=tuple(tuple(counts) for counts in found.sum(2).tolist()),
        block_rows=size,
    )


@dataclass(frozen=True)
class Interpolation:
    """How each point mixes the features of the eight voxels around it."""

    index: Int32[Tensor, "N 8"]
    """Rows of the voxels; the point's own voxel where a neighbour is not occupied (its weight is then 0)."""
    weight: Float[Tensor, "N 8"]
    """Trilinear weights, scaled so that those of occupied voxels sum to 1."""
    num_voxels: int

    def apply(self, features: Float[Tensor, "V C"]) -> Float[Tensor, "N C"]:
        """Features at the points, differentiable by `features`; deterministic on every device."""
        return _Interpolate.apply(features, self)  # pyright: ignore[reportReturnType]

    @cached_property
    def by_voxel(self) -> tuple[Int64[Tensor, "entries"], Float[Tensor, "entries"], Int64[Tensor, "edges"]]:
        """The same entries sorted by voxel (point, weight, where each voxel begins): the gradient's way back."""
        rows, order = torch.sort(self.index.flatten().long(), stable=True)
        starts = torch.searchsorted(rows, torch.arange(self.num_voxels + 1, device=rows.device))
        return order >> 3, self.weight.flatten()[order], starts


class _Interpolate(Function):
    """Weighted sums of rows in both directions: over each point's voxels, and back over each voxel's points."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, interpolation: Interpolation) -> Tensor:
        ctx.interpolation = interpolation
        weight = interpolation.weight.to(features.dtype)
        return F.embedding_bag(interpolation.index, features.contiguous(), per_sample_weights=weight, mode="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        points, weight, starts = ctx.interpolation.by_voxel
        sums = F.embedding_bag(
            points,
            grad.contiguous(),
            starts,
            per_sample_weights=weight.to(grad.dtype),
            mode="sum",
            include_last_offset=True,
        )
        return sums, None


def interpolation(voxelization: Voxelization, level: Level, points: Float[Tensor, "N 3"]) -> Interpolation:
    """Trilinear interpolation from voxel centres back to the points that `voxelization` put into voxels.

    `level` is the finest of the pyramid built on the same keys. A point that has meanwhile moved out of its voxel
    counts as on its border. No gradient flows to `points`.
    """
    table = level.neighbors.table
    assert len(table) == len(voxelization.keys), "the pyramid was built on other voxels"
    own = voxelization.inverse[:, None]
    offsets = points.detach() / voxelization.voxel_size - decode_cells(voxelization.keys)[voxelization.inverse] - 0.5
    share = offsets.abs().clamp(max=0.5)
    hop = torch.where(offsets < 0, -1, 1) * torch.tensor([9, 3, 1], device=points.device)  # taps to the nearer side
    x, y, z = torch.stack([1 - share, share], 2).unbind(1)
    weight = (x[:, :, None, None] * y[:, None, :, None] * z[:, None, None, :]).flatten(1)
    x, y, z = torch.stack([torch.zeros_like(hop), hop], 2).unbind(1)
    taps = 13 + (x[:, :, None, None] + y[:, None, :, None] + z[:, None, None, :]).flatten(1)
    index = table.flatten()[own * 27 + taps]
    occupied = index < len(table)
    weight = torch.where(occupied, weight, 0)
    return Interpolation(
        index=torch.where(occupied, index, own.int()),
        weight=weight / weight.sum(1, keepdim=True),  # the own voxel's share is at least 1/8
        num_voxels=len(table),
    )
