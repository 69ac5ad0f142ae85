"""Weights on disk."""

import os
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from flux4d_core.errors import CheckpointError
from flux4d_core.model.checkpoint import (
    WeightsOrigin,
    WeightsWarning,
    checkpoint_of,
    initialize,
    load_checkpoint,
    save_checkpoint,
)
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
    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in list(file.keys())[1:]}
    save_file(tensors, tmp_path / "cut.safetensors", metadata)
    with pytest.raises(CheckpointError, match="do not fit"):
        load_checkpoint(tmp_path / "cut.safetensors")


def test_a_network_of_the_same_size_takes_all_weights_without_a_word(tmp_path: Path) -> None:
    given, other = _model(), _model()
    save_checkpoint(given, ORIGIN, tmp_path / "w.safetensors", torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert initialize(other, tmp_path / "w.safetensors") == ORIGIN
    for name, value in given.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_a_network_with_more_refinements_and_outputs_takes_what_fits_and_says_what_begins_anew(tmp_path: Path) -> None:
    given = _model()
    save_checkpoint(given, ORIGIN, tmp_path / "w.safetensors", torch.float32)
    larger = Reconstructor(replace(given.config, refinements=3, children=2))
    before = {name: value.clone() for name, value in larger.state_dict().items()}
    with pytest.warns(WeightsWarning) as caught:
        initialize(larger, tmp_path / "w.safetensors")
    (said,) = (str(warning.message) for warning in caught)
    assert "; looks.4, refiners.2 begin anew; looks.4 of the weights are of no use" in said
    for name, value in larger.state_dict().items():
        fits = name in given.state_dict() and not name.startswith("looks.4")
        assert torch.equal(value, given.state_dict()[name] if fits else before[name]), name


def test_weights_of_which_nothing_fits_are_refused(tmp_path: Path) -> None:
    save_checkpoint(_model(), ORIGIN, tmp_path / "w.safetensors")
    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        metadata = file.metadata()
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors", metadata)
    with pytest.raises(CheckpointError, match="nothing in these weights fits"):
        initialize(_model(), tmp_path / "other.safetensors")


def test_a_network_that_was_never_a_file_has_a_fingerprint_of_its_weights() -> None:
    torch.manual_seed(0)
    model = _model()
    before = checkpoint_of(model, ORIGIN).fingerprint
    assert checkpoint_of(model, ORIGIN).fingerprint == before
    with torch.no_grad():
        next(model.parameters()).add_(1)
    assert checkpoint_of(model, ORIGIN).fingerprint != before


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
def test_weights_are_as_readable_as_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    save_checkpoint(_model(), ORIGIN, tmp_path / "w.safetensors")
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode
