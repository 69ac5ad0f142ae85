"""Convolutions on sparse voxels in plain torch: gather the rows that a stencil names, then one matrix product.

Nothing is scattered, forwards or backwards: the gradient of a gather along a table is a gather along its mirror image.
So results are deterministic on every device. All three convolutions, both directions, rest on `_multiply`: another
kernel (one that gathers inside the product, say) goes there and nowhere else.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from flux4d_core.model.voxels import Coarser, Level, Pairs, Stencil

CHUNK_ELEMENTS = {"cpu": 1 << 20, "cuda": 1 << 26}
"""Elements of one gathered buffer: what a CPU caches (4 MB); on a GPU few enough launches (128 MB in bfloat16)."""

PAIRS_FROM = 64 * 64
"""On a CPU, layers with at least so many weights a tap multiply existing pairs only; narrower ones are faster whole."""

_GATHER_TAKES_INT32 = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 8)


def _multiply(
    features: Float[Tensor, "inputs C"],
    stencil: Stencil,
    weight: Float[Tensor, "taps C D"] | None,
    other: Float[Tensor, "rows E"] | None,
) -> tuple[Float[Tensor, "rows D"] | None, Float[Tensor, "taps C E"] | None]:
    """The two products that convolutions are made of, sharing one gather:

    product[r] = sum over taps k of features[table[r, k]] @ weight[k]           (None without `weight`)
    outer[k]   = sum over rows  r of features[table[r, k]]^T @ other[r]         (None without `other`)

    A table entry of `num_inputs` reads zeros. All operands share one dtype; sums over chunks are kept in float32 or
    better.
    """
    width = weight.shape[2] if weight is not None else other.shape[1] if other is not None else 0
    precise = features.dtype in (torch.float32, torch.float64)
    if not features.is_cuda and precise and features.shape[1] * width >= PAIRS_FROM:
        return _multiply_pairs(features, stencil.pairs, weight, other)
    return _multiply_table(features, stencil.table, weight, other)


def _multiply_table(
    features: Tensor, table: Tensor, weight: Tensor | None, other: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """Chunk by chunk: gather [rows, taps * C], empty entries included, and multiply once."""
    num_rows, taps = table.shape
    channels = features.shape[1]
    padded = torch.cat([features, features.new_zeros(1, channels)])
    product = None if weight is None else features.new_empty(num_rows, weight.shape[2])
    flat_weight = None if weight is None else weight.reshape(taps * channels, -1)
    outer = None
    if other is not None:
        precise = torch.promote_types(other.dtype, torch.float32)
        outer = torch.zeros(taps * channels, other.shape[1], device=other.device, dtype=precise)
    step = max(1024, CHUNK_ELEMENTS[features.device.type] // (taps * channels))
    for start in range(0, num_rows, step):
        stop = min(start + step, num_rows)
        gathered = _gather(padded, table[start:stop])
        if product is not None and flat_weight is not None:
            torch.mm(gathered, flat_weight, out=product[start:stop])
        if outer is not None and other is not None:
            outer += gathered.t() @ other[start:stop]
    return product, None if outer is None else outer.view(taps, channels, -1)


def _gather(padded: Float[Tensor, "inputs C"], table: Tensor) -> Float[Tensor, "rows gathered"]:
    """Rows side by side."""
    num_rows, taps = table.shape
    if padded.is_cuda:
        return _gather_wide(padded, table)
    return padded.index_select(0, table.flatten()).view(num_rows, taps * padded.shape[1])


def _gather_wide(padded: Float[Tensor, "inputs C"], table: Tensor) -> Float[Tensor, "rows gathered"]:
    """The same in the form that suits a GPU: 16 bytes a thread, into rows with a gap behind each.

    `index_select` and indexing start one thread block for every row they copy (vectorized_gather_kernel, torch 2.8 and
    later): about 0.7 ns each, ten times what 64 bytes take to move. The gap makes the destination's rows and taps
    two dimensions that cannot be merged, and then torch copies element by element over the whole buffer, which with
    16-byte elements runs at the memory's speed.
    """
    num_rows, taps = table.shape
    row_bytes = padded.shape[1] * padded.element_size()
    unit = next(
        dtype for dtype in (torch.complex128, torch.int64, torch.int32, padded.dtype) if row_bytes % dtype.itemsize == 0
    )
    source = padded.view(unit)
    width = source.shape[1]
    gap = 16 // unit.itemsize
    buffer = source.new_empty(num_rows, taps * width + gap)
    index = table if _GATHER_TAKES_INT32 else table.long()
    torch.gather(
        source[:, None].expand(-1, taps, -1),
        0,
        index[:, :, None].expand(-1, -1, width),
        out=buffer[:, : taps * width].unflatten(1, (taps, width)),
    )
    return buffer.view(padded.dtype)[:, : taps * padded.shape[1]]


def _multiply_pairs(
    features: Tensor, pairs: Pairs, weight: Tensor | None, other: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """Block by block: gather existing rows only, one product per tap, then add up each output row's results in order.

    Under half of the table's arithmetic (LiDAR voxels have 11 of 27 neighbours), at the price of many small products.
    """
    num_rows = len(pairs.starts) - 1
    product = None if weight is None else features.new_empty(num_rows, weight.shape[2])
    outer = None if other is None else features.new_zeros(len(pairs.tap_counts[0]), features.shape[1], other.shape[1])
    first = 0
    for block, counts in enumerate(pairs.tap_counts):
        last = first + sum(counts)
        gathered = features.index_select(0, pairs.inputs[first:last]).split(counts)
        if product is not None and weight is not None:
            results = features.new_empty(last - first, weight.shape[2])
            for rows, matrix, result in zip(gathered, weight, results.split(counts), strict=True):
                torch.mm(rows, matrix, out=result)
            start, stop = block * pairs.block_rows, min((block + 1) * pairs.block_rows, num_rows)
            product[start:stop] = F.embedding_bag(
                pairs.order[first:last],
                results,
                pairs.starts[start : stop + 1] - first,
                mode="sum",
                include_last_offset=True,
            )
        if outer is not None and other is not None:
            others = other.index_select(0, pairs.outputs[first:last]).split(counts)
            for rows, target, total in zip(gathered, others, outer, strict=True):
                total.addmm_(rows.t(), target)
        first = last
    return product, outer


def _expand(
    features: Float[Tensor, "parents C"], weight: Float[Tensor, "8 C D"], slots: Tensor
) -> Float[Tensor, "V D"]:
    """Each voxel's parent row times the weight of the voxel's octant: all eight products, then the right one."""
    products = features @ weight.permute(1, 0, 2).reshape(features.shape[1], -1)
    return products.view(-1, weight.shape[2]).index_select(0, slots)


class _Submanifold(Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, stencil: Stencil, dtype: torch.dtype) -> Tensor:
        rows = features.to(dtype)
        ctx.save_for_backward(rows, weight)
        ctx.stencil, ctx.features_dtype = stencil, features.dtype
        product, _ = _multiply(rows, stencil, weight.to(dtype), None)
        assert product is not None
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        # Voxel i reads j at tap k exactly where j reads i at tap 26 - k: gather grad with the taps mirrored.
        features, weight = ctx.saved_tensors
        mirrored = weight.to(grad.dtype).flip(0).transpose(1, 2)
        grad_features, outer = _multiply(grad.contiguous(), ctx.stencil, mirrored, features)
        assert grad_features is not None and outer is not None
        grad_weight = outer.flip(0).transpose(1, 2)
        return grad_features.to(ctx.features_dtype), grad_weight.to(weight.dtype), None, None


class _Downsample(Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, coarser: Coarser, dtype: torch.dtype) -> Tensor:
        rows = features.to(dtype)
        ctx.save_for_backward(rows, weight)
        ctx.coarser, ctx.features_dtype = coarser, features.dtype
        product, _ = _multiply(rows, coarser.children, weight.to(dtype), None)
        assert product is not None
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        features, weight = ctx.saved_tensors
        grad = grad.contiguous()
        grad_features = _expand(grad, weight.to(grad.dtype).transpose(1, 2), ctx.coarser.slots)
        _, grad_weight = _multiply(features, ctx.coarser.children, None, grad)
        assert grad_weight is not None
        return grad_features.to(ctx.features_dtype), grad_weight.to(weight.dtype), None, None


class _Upsample(Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, coarser: Coarser, dtype: torch.dtype) -> Tensor:
        rows = features.to(dtype)
        ctx.save_for_backward(rows, weight)
        ctx.coarser, ctx.features_dtype = coarser, features.dtype
        return _expand(rows, weight.to(dtype), coarser.slots)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        features, weight = ctx.saved_tensors
        turned = weight.to(grad.dtype).transpose(1, 2)
        grad_features, outer = _multiply(grad.contiguous(), ctx.coarser.children, turned, features)
        assert grad_features is not None and outer is not None
        return grad_features.to(ctx.features_dtype), outer.transpose(1, 2).to(weight.dtype), None, None


class _SparseConv(nn.Module):
    """One matrix per tap, no bias: the norms around the convolutions have one.

    Initialised so that inputs of mean square 1 give outputs of variance `gain`^2, with as many taps occupied as
    LiDAR surfaces have.
    """

    def __init__(self, taps: int, occupied: float, in_channels: int, out_channels: int, gain: float) -> None:
        super().__init__()
        std = gain / math.sqrt(occupied * in_channels)
        self.weight = nn.Parameter(torch.randn(taps, in_channels, out_channels) * std)


def _compute_dtype(features: Tensor) -> torch.dtype:
    """What autocast asks for, or the features' own."""
    device = features.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype


class SubmanifoldConv(_SparseConv):
    """3 x 3 x 3 convolution that keeps the set of voxels: empty neighbours read as zero."""

    def __init__(self, in_channels: int, out_channels: int, gain: float = 1.0) -> None:
        super().__init__(27, 11.0, in_channels, out_channels, gain)

    def forward(self, features: Float[Tensor, "V C"], level: Level) -> Float[Tensor, "V D"]:
        return _Submanifold.apply(features, self.weight, level.neighbors, _compute_dtype(features))  # pyright: ignore[reportReturnType]


class Downsample(_SparseConv):
    """2 x 2 x 2 convolution of stride 2, from a level's voxels to the next coarser level's."""

    def __init__(self, in_channels: int, out_channels: int, gain: float = 1.0) -> None:
        super().__init__(8, 3.0, in_channels, out_channels, gain)

    def forward(self, features: Float[Tensor, "V C"], coarser: Coarser) -> Float[Tensor, "parents D"]:
        return _Downsample.apply(features, self.weight, coarser, _compute_dtype(features))  # pyright: ignore[reportReturnType]


class Upsample(_SparseConv):
    """Transposed `Downsample`, from the coarser level's voxels back to the finer ones."""

    def __init__(self, in_channels: int, out_channels: int, gain: float = 1.0) -> None:
        super().__init__(8, 1.0, in_channels, out_channels, gain)

    def forward(self, features: Float[Tensor, "parents C"], coarser: Coarser) -> Float[Tensor, "V D"]:
        return _Upsample.apply(features, self.weight, coarser, _compute_dtype(features))  # pyright: ignore[reportReturnType]
