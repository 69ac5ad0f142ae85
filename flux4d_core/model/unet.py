"""The backbone: a U-Net on sparse voxels, from features of the finest voxels to richer features of the same voxels.

Down through ever larger voxels and up again, with concatenating skips (Ronneberger et al., 2015; sparse: Choy et al.,
2019); pre-norm residual blocks, LayerNorm and SiLU. Rows do not see other scenes of the batch, and a shift of a scene
by whole voxels of the coarsest level shifts the outcome with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from flux4d_core.model.sparse_conv import Downsample, SubmanifoldConv, Upsample
from flux4d_core.model.voxels import MAX_SCENES, Level, decode_cells, decode_scenes

_SILU_GAIN = 1 / math.sqrt(0.3557)
"""SiLU of a standard normal has mean square 0.3557; weights times this keep variance 1."""


@dataclass(frozen=True)
class UNetConfig:
    """Size of the U-Net."""

    channels: tuple[int, ...] = (32, 64, 96, 128, 128)
    """Features per voxel at each level, finest first; voxels double in size from level to level. Multiples of 8 run
    fastest on a GPU."""
    blocks: int = 1
    """Residual blocks (two convolutions each) at every level on the way down, and again on the way up."""
    attention_levels: int = 0
    """Coarsest levels that also attend over long distances, in patches along a space-filling curve. Gives up exact
    equivariance to shifts."""
    patch_size: int = 256
    """Voxels per attention patch."""
    checkpointing: bool = False
    """Recompute every block in the backward pass instead of keeping what it computed: less memory, more time."""

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1 or self.blocks < 1 or self.patch_size < 1:
            raise ValueError(f"a U-Net needs at least one level, channel and block, found {self}")
        if not 0 <= self.attention_levels <= len(self.channels):
            raise ValueError(
                f"attention_levels must be 0 to {len(self.channels)} levels, found {self.attention_levels}"
            )


class SparseUNet(nn.Module):
    """Features of the finest voxels in, `channels[0]` features of the same voxels out, of variance 1 at the start."""

    def __init__(self, in_channels: int, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = _linear(in_channels, config.channels[0])
        self.stages = nn.ModuleList(_Stage(config, level) for level in range(len(config.channels)))
        self.norm = nn.LayerNorm(config.channels[0])

    def forward(self, features: Float[Tensor, "V C"], level: Level) -> Float[Tensor, "V D"]:
        """`level`: the finest of a pyramid of at least as many levels as the network has.

        Features are expected to be of about unit size. Under autocast the U-Net runs in autocast's precision and
        returns float32.
        """
        features = _descend(self.stages, 0, self.stem(features), level)
        return self.norm(features.to(torch.promote_types(features.dtype, torch.float32)))


def _descend(stages: nn.ModuleList, depth: int, features: Tensor, level: Level) -> Tensor:
    """One level of the U: down blocks, all coarser levels, up blocks."""
    stage = stages[depth]
    assert isinstance(stage, _Stage)
    for block in stage.down_blocks:
        features = stage.run(block, features, level)
    if depth + 1 == len(stages):
        return features
    assert level.coarser is not None, f"the network has {len(stages)} levels, the pyramid only {depth + 1}"
    deeper = _descend(stages, depth + 1, stage.down(features, level.coarser), level.coarser.level)
    features = stage.fuse(torch.cat([features, stage.up(deeper, level.coarser)], 1))
    for block in stage.up_blocks:
        features = stage.run(block, features, level)
    return features


class _Stage(nn.Module):
    """What a U-Net has at one level."""

    def __init__(self, config: UNetConfig, depth: int) -> None:
        super().__init__()
        channels = config.channels[depth]
        last = depth + 1 == len(config.channels)
        branch_gain = 1 / math.sqrt(2 * config.blocks * len(config.channels))  # all branches together add variance 1
        blocks = [ResidualBlock(channels, branch_gain) for _ in range(config.blocks if last else 2 * config.blocks)]
        attention = depth >= len(config.channels) - config.attention_levels
        self.down_blocks = nn.ModuleList(blocks[: config.blocks])
        if attention:
            self.down_blocks.append(PatchAttention(channels, config.patch_size, branch_gain))
        self.checkpointing = config.checkpointing
        if not last:
            deeper = config.channels[depth + 1]
            self.down, self.up = Downsample(channels, deeper), Upsample(deeper, channels)
            self.fuse = _linear(2 * channels, channels)
            self.up_blocks = nn.ModuleList(blocks[config.blocks :])

    def run(self, block: nn.Module, features: Tensor, level: Level) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            recomputed = checkpoint(block, features, level, use_reentrant=False, preserve_rng_state=False)
            assert isinstance(recomputed, Tensor)
            return recomputed
        return block(features, level)


class ResidualBlock(nn.Module):
    """Twice norm, activation, convolution, added to what came in."""

    def __init__(self, channels: int, branch_gain: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.conv1 = SubmanifoldConv(channels, channels, _SILU_GAIN)
        self.conv2 = SubmanifoldConv(channels, channels, _SILU_GAIN * branch_gain)

    def forward(self, features: Float[Tensor, "V C"], level: Level) -> Float[Tensor, "V C"]:
        hidden = self.conv1(F.silu(_normalize(features, self.norm1)), level)
        return features + self.conv2(F.silu(_normalize(hidden, self.norm2)), level)


class PatchAttention(nn.Module):
    """Multi-head attention among voxels that lie close on the Morton curve (Point Transformer V3, Wu et al., 2024).

    The residual blocks before it tell voxels where they are relative to their neighbours (no other position code).
    """

    def __init__(self, channels: int, patch_size: int, branch_gain: float) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.heads = math.gcd(channels, max(1, channels // 32))
        self.norm = nn.LayerNorm(channels)
        self.attend = nn.Linear(channels, 3 * channels, bias=False)
        self.out = _linear(channels, channels, branch_gain)

    def forward(self, features: Float[Tensor, "V C"], level: Level) -> Float[Tensor, "V C"]:
        num, channels = features.shape
        order, places = morton_patches(level.keys, self.patch_size)
        rows = self.attend(_normalize(features, self.norm))
        rows = torch.cat([rows, rows.new_zeros(1, 3 * channels)]).index_select(0, order)
        queries, keys, values = rows.view(-1, self.patch_size, 3, self.heads, channels // self.heads).permute(
            2, 0, 3, 1, 4
        )
        present = (order < num).view(-1, 1, 1, self.patch_size)
        present = present | ~present.any(-1, keepdim=True)  # a patch of padding alone must not divide by zero
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=present)
        mixed = mixed.transpose(1, 2).reshape(-1, channels).index_select(0, places)
        return features + self.out(mixed)


def morton_patches(keys: Int64[Tensor, "V"], size: int) -> tuple[Int64[Tensor, "padded"], Int64[Tensor, "V"]]:
    """Voxels sorted along the Morton curve and cut into patches of `size`; no patch holds two scenes.

    Returns the row in every place (V where a patch is padded) and the place of every row. The number of patches is a
    bound that needs no look at the scenes' sizes, so a GPU is not waited for.
    """
    num = len(keys)
    scenes = decode_scenes(keys)
    order = torch.argsort((scenes << 60) + _morton_codes(decode_cells(keys)))
    scenes = scenes[order]
    starts = torch.searchsorted(scenes, torch.arange(MAX_SCENES + 1, device=keys.device))
    patches = (starts.diff() + size - 1) // size
    first_places = (patches.cumsum(0) - patches) * size
    places = first_places[scenes] + torch.arange(num, device=keys.device) - starts[scenes]
    padded = keys.new_full(((num // size + MAX_SCENES) * size,), num)
    padded[places] = order
    return padded, torch.empty_like(places).index_copy_(0, order, places)


def _morton_codes(cells: Int64[Tensor, "V 3"]) -> Int64[Tensor, "V"]:
    """The bits of x, y and z (20 each, from the lowest cell) interleaved."""
    bits = cells + (1 << 19)
    for shift, mask in (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        bits = (bits | bits << shift) & mask
    return (bits[:, 0] << 2) + (bits[:, 1] << 1) + bits[:, 2]


def _normalize(features: Float[Tensor, "V C"], norm: nn.LayerNorm) -> Float[Tensor, "V C"]:
    """LayerNorm in the features' own precision: autocast would copy them to float32 and back.

    The statistics are float32 inside the kernel either way.
    """
    with torch.autocast(features.device.type, enabled=False):
        weight, bias = norm.weight.to(features.dtype), norm.bias.to(features.dtype)
        return F.layer_norm(features, norm.normalized_shape, weight, bias, norm.eps)


def _linear(in_channels: int, out_channels: int, gain: float = 1.0) -> nn.Linear:
    """A linear layer that keeps variance (times gain^2)."""
    linear = nn.Linear(in_channels, out_channels)
    nn.init.normal_(linear.weight, std=gain / math.sqrt(in_channels))
    nn.init.zeros_(linear.bias)
    return linear
