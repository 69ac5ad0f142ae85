"""LPIPS is optional: never downloaded, and used where it is at hand."""

import sys
from pathlib import Path

import pytest
import torch

from flux4d_core.evaluation.perceptual import load_lpips


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PyTorch's folder of weights, empty."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_without_weights_or_without_the_package_there_is_no_lpips(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_lpips() is None
    (hub / "alexnet-owt-7be5be79.pth").write_bytes(b"weights")
    monkeypatch.setitem(sys.modules, "lpips", None)  # as if it were not installed
    assert load_lpips() is None
    assert [file.name for file in hub.iterdir()] == ["alexnet-owt-7be5be79.pth"]


def test_images_are_no_way_from_themselves_and_some_way_from_others(hub: Path) -> None:
    pytest.importorskip("lpips", reason="the optional package lpips is not installed")
    models = pytest.importorskip("torchvision.models", reason="the optional package torchvision is not installed")
    torch.manual_seed(0)
    torch.save(models.alexnet(weights=None).state_dict(), hub / "alexnet-owt-7be5be79.pth")
    found = load_lpips()
    assert found is not None
    image = torch.rand(64, 96, 3)
    assert found.distances(image, image).shape == (64, 96)
    assert float(found.distances(image, image).abs().max()) == 0
    assert float(found.distances(image, 1 - image).mean()) > 0
