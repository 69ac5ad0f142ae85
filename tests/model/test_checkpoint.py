"""Weights on disk."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from flux4d_core.errors import CheckpointError
from flux4d_core.model.checkpoint import WeightsOrigin, load_checkpoint, save_checkpoint
from flux4d_core.model.features import GridConfig
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.unet import UNetConfig

ORIGIN = WeightsOrigin(name="test", data="nothing at all", licence="Apache-2.0", steps=3)


def _model() -> Reconstructor:
    small = UNetConfig(channels=(8, 16))
    return Reconstructor(ReconstructorConfig(GridConfig(voxel_size=0.4), small, 2, small, head_width=8))


def test_weights_come_back_with_their_network_and_their_origin(tmp_path: Path) -> None:
    model = _model()
    save_checkpoint(model, ORIGIN, tmp_path / "w.safetensors", torch.float32)
    back = load_checkpoint(tmp_path / "w.safetensors")
    assert back.model.config == model.config
    assert back.origin == ORIGIN
    for name, value in model.state_dict().items():
        assert torch.equal(back.model.state_dict()[name], value), name


def test_the_fingerprint_tells_two_sets_of_weights_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        torch.manual_seed(number)
        save_checkpoint(_model(), ORIGIN, tmp_path / f"{number}.safetensors")
    one, two = (load_checkpoint(tmp_path / f"{number}.safetensors").fingerprint for number in (1, 2))
    assert one != two
    assert len(one) == 12


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_file_that_is_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "w.safetensors")


def test_other_peoples_safetensors_and_missing_files_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="another safetensors file"):
        load_checkpoint(tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="found none"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_weights_that_lack_a_layer_are_refused(tmp_path: Path) -> None:
    save_checkpoint(_model(), ORIGIN, tmp_path / "w.safetensors")
    from safetensors import safe_open

    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in list(file.keys())[1:]}
    save_file(tensors, tmp_path / "cut.safetensors", metadata)
    with pytest.raises(CheckpointError, match="do not fit"):
        load_checkpoint(tmp_path / "cut.safetensors")
