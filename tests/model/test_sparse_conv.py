"""The three sparse convolutions against torch's dense ones."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flux4d_core.model import sparse_conv
from flux4d_core.model.sparse_conv import Downsample, SubmanifoldConv, Upsample
from flux4d_core.model.voxels import Coarser, Level, build_pyramid, decode_cells, encode_cells

SIDE = 12


@pytest.fixture(params=["whole table", "existing pairs"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to multiply on a CPU, whatever the layer's width."""
    monkeypatch.setattr(sparse_conv, "PAIRS_FROM", 0 if request.param == "existing pairs" else 1 << 60)


def patchy_level(levels: int = 2) -> Level:
    """About 500 of the 12 x 12 x 12 cells around the origin."""
    occupied = torch.rand(SIDE, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) < 0.3
    return build_pyramid(torch.sort(encode_cells(occupied.nonzero() - SIDE // 2))[0], levels)


def coarser_of(level: Level) -> Coarser:
    assert level.coarser is not None
    return level.coarser


def dense(features: Tensor, level: Level, side: int) -> Tensor:
    """The features in a full (1, C, side, side, side) grid around the origin."""
    x, y, z = (decode_cells(level.keys) + side // 2).unbind(1)
    grid = torch.zeros(side, side, side, features.shape[1], dtype=features.dtype).index_put((x, y, z), features)
    return grid.permute(3, 0, 1, 2)[None]


def rows_of(grid: Tensor, level: Level) -> Tensor:
    """What the full grid holds at the level's voxels."""
    x, y, z = (decode_cells(level.keys) + grid.shape[2] // 2).unbind(1)
    return grid[0][:, x, y, z].T


def random_features(level: Level, channels: int) -> Tensor:
    return torch.randn(len(level.keys), channels, dtype=torch.float64, requires_grad=True)


def assert_same_with_gradients(ours: Tensor, theirs: Tensor, leaves: list[Tensor]) -> None:
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    upstream = torch.randn_like(ours)
    for one, other in zip(
        torch.autograd.grad(ours, leaves, upstream), torch.autograd.grad(theirs, leaves, upstream), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_a_lone_voxel_sees_only_itself() -> None:
    level = build_pyramid(encode_cells(torch.tensor([[3, -4, 5]])), 1)
    conv = SubmanifoldConv(1, 1)
    with torch.no_grad():
        conv.weight.fill_(1.0)
        conv.weight[13] = 7.0
    assert conv(torch.tensor([[2.0]]), level).item() == 14.0


def test_a_column_of_three_voxels_of_1_2_3_sums_to_3_6_5() -> None:
    level = build_pyramid(encode_cells(torch.tensor([[0, 0, 0], [0, 0, 1], [0, 0, 2]])), 1)
    conv = SubmanifoldConv(1, 1)
    nn.init.ones_(conv.weight)
    assert conv(torch.tensor([[1.0], [2.0], [3.0]]), level).flatten().tolist() == [3.0, 6.0, 5.0]


@pytest.mark.usefixtures("kernel")
def test_the_submanifold_convolution_is_conv3d_at_the_occupied_voxels() -> None:
    level = patchy_level()
    conv = SubmanifoldConv(5, 7).double()
    features = random_features(level, 5)
    weight = conv.weight.view(3, 3, 3, 5, 7).permute(4, 3, 0, 1, 2)
    theirs = rows_of(F.conv3d(dense(features, level, SIDE), weight, padding=1), level)
    assert_same_with_gradients(conv(features, level), theirs, [features, conv.weight])


@pytest.mark.usefixtures("kernel")
def test_downsampling_is_conv3d_of_stride_2() -> None:
    level = patchy_level()
    conv = Downsample(5, 7).double()
    features = random_features(level, 5)
    weight = conv.weight.view(2, 2, 2, 5, 7).permute(4, 3, 0, 1, 2)
    theirs = rows_of(F.conv3d(dense(features, level, SIDE), weight, stride=2), coarser_of(level).level)
    assert_same_with_gradients(conv(features, coarser_of(level)), theirs, [features, conv.weight])


@pytest.mark.usefixtures("kernel")
def test_upsampling_is_conv_transpose3d_of_stride_2() -> None:
    level = patchy_level()
    coarser = coarser_of(level)
    conv = Upsample(5, 7).double()
    features = random_features(coarser.level, 5)
    weight = conv.weight.view(2, 2, 2, 5, 7).permute(3, 4, 0, 1, 2)
    theirs = rows_of(F.conv_transpose3d(dense(features, coarser.level, SIDE // 2), weight, stride=2), level)
    assert_same_with_gradients(conv(features, coarser), theirs, [features, conv.weight])


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("make", [SubmanifoldConv, Downsample, Upsample])
def test_gradients_agree_with_finite_differences(make: Callable[[int, int], nn.Module]) -> None:
    cells = torch.rand(4, 4, 4, generator=torch.Generator().manual_seed(1)).lt(0.4).nonzero() - 2
    level = build_pyramid(torch.sort(encode_cells(cells))[0], 2)
    conv = make(2, 3).double()
    inputs = coarser_of(level).level if make is Upsample else level
    where = level if make is SubmanifoldConv else coarser_of(level)

    def run(features: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(conv, {"weight": weight}, (features, where))

    weight = conv.get_parameter("weight").detach().requires_grad_()
    assert torch.autograd.gradcheck(run, (random_features(inputs, 2), weight))


def test_both_ways_to_multiply_agree_over_many_blocks_and_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = torch.rand(26, 26, 26, generator=torch.Generator().manual_seed(0)).lt(0.3).nonzero()
    level = build_pyramid(torch.sort(encode_cells(cells))[0], 1)
    assert len(level.keys) > 5000, "the test wants several blocks of pairs"
    conv = SubmanifoldConv(4, 6)
    features = torch.randn(len(level.keys), 4, requires_grad=True)
    upstream = torch.randn(len(level.keys), 6)
    results = []
    for pairs_from, chunk in ((0, 1 << 20), (1 << 60, 1 << 30), (1 << 60, 1 << 17)):
        monkeypatch.setattr(sparse_conv, "PAIRS_FROM", pairs_from)
        monkeypatch.setattr(sparse_conv, "CHUNK_ELEMENTS", {"cpu": chunk})
        out = conv(features, level)
        results.append((out, *torch.autograd.grad(out, [features, conv.weight], upstream)))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-5)  # weights' gradients sum 5000 rows


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 2, 3, 8, 12, 32])
def test_the_gather_for_gpus_copies_the_same_rows_whatever_their_width(dtype: torch.dtype, channels: int) -> None:
    rows = torch.randn(50, channels).to(dtype)
    table = torch.randint(0, 50, (20, 27), dtype=torch.int32)
    gathered = sparse_conv._gather_wide(rows, table)
    assert gathered.dtype == dtype
    assert torch.equal(gathered, rows[table.long()].view(20, 27 * channels))
    assert gathered.stride(0) > gathered.shape[1], "without the gap, torch picks its slow kernel"


@pytest.mark.usefixtures("kernel")
def test_repeated_runs_agree_to_the_last_bit() -> None:
    level = patchy_level()
    conv = SubmanifoldConv(8, 8)
    features = torch.randn(len(level.keys), 8, requires_grad=True)

    def run() -> list[Tensor]:
        out = conv(features, level)
        return [out, *torch.autograd.grad(out.square().sum(), [features, conv.weight])]

    first = run()
    assert all(torch.equal(one, two) for _ in range(3) for one, two in zip(first, run(), strict=True))


def test_only_the_input_and_the_weight_are_kept_for_the_backward_pass() -> None:
    level = patchy_level()
    conv = SubmanifoldConv(8, 8)
    features = torch.randn(len(level.keys), 8, requires_grad=True)
    kept: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        conv(features, level)
    assert sorted(kept) == sorted([features.numel(), conv.weight.numel()])


def test_autocast_computes_in_bfloat16_and_hands_back_float32_gradients() -> None:
    level = patchy_level()
    for conv, where, inputs in (
        (SubmanifoldConv(16, 16), level, level),
        (Downsample(16, 16), coarser_of(level), level),
        (Upsample(16, 16), coarser_of(level), coarser_of(level).level),
    ):
        features = torch.randn(len(inputs.keys), 16, requires_grad=True)
        exact = conv(features, where)
        with torch.autocast("cpu", torch.bfloat16):
            rough = conv(features, where)
        assert rough.dtype == torch.bfloat16
        assert (rough - exact).norm() < 0.01 * exact.norm()
        leaves = [features, conv.weight]
        for one, two in zip(
            torch.autograd.grad(rough.float().square().sum(), leaves),
            torch.autograd.grad(exact.square().sum(), leaves),
            strict=True,
        ):
            assert one.dtype == torch.float32
            assert (one - two).norm() < 0.02 * two.norm()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("make", [SubmanifoldConv, Downsample, Upsample])
def test_a_gpu_gives_what_the_cpu_gives_and_never_varies(make: Callable[[int, int], nn.Module]) -> None:
    def run(device: str) -> list[Tensor]:
        level = build_pyramid(patchy_level().keys.to(device), 2)
        where = level if make is SubmanifoldConv else coarser_of(level)
        inputs = coarser_of(level).level if make is Upsample else level
        torch.manual_seed(0)
        conv = make(32, 64).double()
        features = random_features(inputs, 32).detach()
        conv, features = conv.to(device), features.to(device).requires_grad_()
        out = conv(features, where)
        grads = torch.autograd.grad(out.square().sum(), [features, conv.get_parameter("weight")])
        return [tensor.cpu() for tensor in (out, *grads)]

    cpu, gpu = run("cpu"), run("cuda")
    for one, two in zip(cpu, gpu, strict=True):
        torch.testing.assert_close(one, two, atol=1e-9, rtol=1e-9)
    assert all(torch.equal(one, two) for one, two in zip(gpu, run("cuda"), strict=True))
