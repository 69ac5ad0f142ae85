"""The backbone as a whole: what it may see, how it scales, and that it learns."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from flux4d_core.model.unet import PatchAttention, SparseUNet, UNetConfig, morton_patches
from flux4d_core.model.voxels import Level, build_pyramid, decode_scenes, encode_cells, scatter_mean, voxelize

SMALL = UNetConfig(channels=(8, 16, 16), blocks=1)
WITH_ATTENTION = replace(SMALL, attention_levels=2, patch_size=16)


def street(num: int, seed: int = 0) -> Tensor:
    """Points on the ground and on a wall beside it, in metres."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.rand(num, 3, generator=generator) * torch.tensor([20.0, 10.0, 4.0])
    ground = torch.rand(num, generator=generator) < 0.6
    place[ground, 2] = 0.05
    place[~ground, 1] = 9.9
    return place - torch.tensor([10.0, 5.0, 1.0])


def network(config: UNetConfig, in_channels: int = 4) -> SparseUNet:
    torch.manual_seed(0)
    return SparseUNet(in_channels, config)


def street_level(levels: int = 3) -> Level:
    return build_pyramid(voxelize(street(1500), 0.5).keys, levels)


@pytest.mark.parametrize("config", [SMALL, WITH_ATTENTION], ids=["convolutions", "with attention"])
def test_two_scenes_in_one_batch_give_what_each_gives_alone(config: UNetConfig) -> None:
    net = network(config).double()
    clouds = [street(900, seed=1), street(700, seed=2)]
    scenes = torch.tensor([0] * 900 + [1] * 700)
    together = voxelize(torch.cat(clouds), 0.5, scenes)
    features = torch.randn(len(together.keys), 4, dtype=torch.float64)
    joint = net(features, build_pyramid(together.keys, 3))
    for scene, points in enumerate(clouds):
        rows = decode_scenes(together.keys) == scene
        alone = voxelize(points, 0.5)
        torch.testing.assert_close(
            net(features[rows], build_pyramid(alone.keys, 3)), joint[rows], atol=1e-12, rtol=1e-12
        )


def test_a_scene_shifted_by_whole_coarsest_voxels_gives_the_same_features() -> None:
    net = network(SMALL).double()
    points = street(1500)
    near = voxelize(points, 0.5)
    shifted = voxelize(points + torch.tensor([8.0, -16.0, 2.0]), 0.5)  # coarsest voxels: 2 m
    assert len(near.keys) == len(shifted.keys)
    features = torch.randn(len(near.keys), 4, dtype=torch.float64)
    torch.testing.assert_close(
        net(features, build_pyramid(near.keys, 3)), net(features, build_pyramid(shifted.keys, 3)), atol=1e-12, rtol=0
    )


def test_the_order_of_the_points_does_not_matter() -> None:
    net = network(WITH_ATTENTION).double()
    points, features = street(800), torch.randn(800, 4, dtype=torch.float64)
    order = torch.randperm(800)
    outcomes = []
    for rows in (torch.arange(800), order):
        voxels = voxelize(points[rows], 0.5)
        means = scatter_mean(features[rows], voxels.inverse, len(voxels.keys))
        outcomes.append(net(means, build_pyramid(voxels.keys, 3))[voxels.inverse])
    torch.testing.assert_close(outcomes[0][order], outcomes[1], atol=1e-10, rtol=0)


def test_five_levels_of_30_cm_voxels_see_15_metres_far() -> None:
    row = build_pyramid(encode_cells(torch.stack([torch.arange(101), *[torch.zeros(101, dtype=torch.long)] * 2], 1)), 5)
    net = network(UNetConfig(channels=(8, 8, 8, 8, 8)))
    features = torch.randn(101, 4, requires_grad=True)
    (seen,) = torch.autograd.grad(net(features, row)[50, 0], features)
    assert (seen.abs().amax(1) > 0).all()


@pytest.mark.parametrize("config", [UNetConfig(), UNetConfig(blocks=3)], ids=["one block", "three blocks"])
def test_at_the_start_features_have_unit_size_at_every_level(config: UNetConfig) -> None:
    net = network(config)
    sizes: list[float] = []
    for module in net.modules():
        if isinstance(module, nn.LayerNorm):
            continue
        if type(module).__name__ in ("ResidualBlock", "Downsample", "Upsample"):
            module.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.std().item()))
    level = build_pyramid(voxelize(street(20_000), 0.2).keys, 5)
    out = net(torch.randn(len(level.keys), 4), level)
    assert out.shape == (len(level.keys), 32)
    assert out.std().item() == pytest.approx(1.0, abs=0.01)
    assert min(sizes) > 0.4
    assert max(sizes) < 2.5


@pytest.mark.parametrize("config", [SMALL, WITH_ATTENTION], ids=["convolutions", "with attention"])
def test_it_learns_a_function_of_position_and_every_parameter_takes_part(config: UNetConfig) -> None:
    voxels = voxelize(street(1500), 1.0)
    level = build_pyramid(voxels.keys, 3)
    place = voxels.centers / 5
    inputs = torch.cat([place, torch.ones(len(place), 1)], 1)
    target = torch.stack([(3 * place[:, 0]).sin() * place[:, 1], (2 * place[:, 1]).cos()], 1)
    net = network(config)
    head = nn.Linear(8, 2)
    parameters = [*net.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    losses = []
    for step in range(40):
        loss = (head(net(inputs, level)) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
            assert not silent
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10


def test_checkpointing_changes_no_gradient_and_keeps_less() -> None:
    level = street_level()
    features = torch.randn(len(level.keys), 4)
    outcomes, kept = [], []
    for checkpointing in (False, True):
        net = network(replace(SMALL, blocks=2, checkpointing=checkpointing))
        sizes: dict[int, int] = {}

        def pack(tensor: Tensor, sizes: dict[int, int] = sizes) -> Tensor:
            sizes[tensor.data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            out = net(features, level)
        kept.append(sum(sizes.values()) - sum(p.numel() for p in net.parameters()))
        out.square().mean().backward()
        outcomes.append([out.detach(), *[p.grad for p in net.parameters()]])
    for one, two in zip(*outcomes, strict=True):
        assert torch.equal(one, two)
    assert kept[1] < 0.6 * kept[0]


def test_under_autocast_features_stay_close_and_come_back_as_float32() -> None:
    level = street_level()
    net = network(WITH_ATTENTION)
    features = torch.randn(len(level.keys), 4)
    exact = net(features, level)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(features, level)
    assert rough.dtype == torch.float32
    assert (rough - exact).norm() < 0.05 * exact.norm()


def test_a_network_of_fewer_levels_uses_the_finest_part_of_a_pyramid() -> None:
    net = network(SMALL)
    keys = voxelize(street(1500), 0.5).keys
    features = torch.randn(len(keys), 4)
    assert torch.equal(net(features, build_pyramid(keys, 3)), net(features, build_pyramid(keys, 5)))
    with pytest.raises(AssertionError, match="the network has 3 levels, the pyramid only 2"):
        net(features, build_pyramid(keys, 2))


def test_a_config_without_levels_or_with_too_many_attention_levels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one level"):
        UNetConfig(channels=())
    with pytest.raises(ValueError, match="attention_levels must be 0 to 2"):
        UNetConfig(channels=(8, 8), attention_levels=3)


def test_patches_hold_every_voxel_once_and_never_two_scenes() -> None:
    keys = voxelize(street(1500), 0.5, torch.arange(1500) % 3 * 2).keys  # scenes 0, 2 and 4
    order, places = morton_patches(keys, 32)
    assert torch.equal(order[places], torch.arange(len(keys)))
    assert (order < len(keys)).sum().item() == len(keys)
    scenes = torch.cat([decode_scenes(keys), torch.tensor([-1])])[order].view(-1, 32)
    for patch in scenes:
        assert len(set(patch[patch >= 0].tolist())) <= 1


def test_the_morton_curve_visits_all_eight_children_of_a_voxel_before_the_next() -> None:
    cells = torch.cartesian_prod(*[torch.arange(-2, 2)] * 3)
    keys = torch.sort(encode_cells(cells))[0]
    order, _ = morton_patches(keys, 8)
    parents = torch.div(cells[torch.argsort(encode_cells(cells))], 2, rounding_mode="floor")
    for patch in order.view(-1, 8)[:8]:
        assert len(torch.unique(parents[patch], dim=0)) == 1


def test_attention_mixes_only_within_patches() -> None:
    keys = encode_cells(torch.stack([torch.arange(32), *[torch.zeros(32, dtype=torch.long)] * 2], 1))
    block = PatchAttention(8, patch_size=16, branch_gain=1.0)
    features = torch.randn(32, 8, requires_grad=True)
    (seen,) = torch.autograd.grad(block(features, build_pyramid(keys, 1))[3].sum(), features)
    assert (seen.abs().amax(1) > 0).tolist() == [True] * 16 + [False] * 16


def test_padding_of_a_patch_gets_no_attention() -> None:
    level = build_pyramid(encode_cells(torch.stack([torch.arange(10), *[torch.zeros(10, dtype=torch.long)] * 2], 1)), 1)
    features = torch.randn(10, 8)
    outcomes = []
    for patch_size in (10, 64):
        torch.manual_seed(0)
        outcomes.append(PatchAttention(8, patch_size, branch_gain=1.0)(features, level))
    torch.testing.assert_close(outcomes[0], outcomes[1])
