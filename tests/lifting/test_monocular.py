"""Depth that a network guesses, with tiny networks that have learned nothing."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_clip import toy_clip

from flux4d_core.errors import CheckpointError, Flux4dError
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.lift import lift
from flux4d_core.lifting.monocular import with_guessed_depth
from flux4d_core.lifting.scans import with_scans

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two Depth Anything networks: "relative" and "metric", the latter for up to 80 m."""
    transformers = pytest.importorskip("transformers", reason="the optional transformers library is not installed")
    folder = tmp_path_factory.mktemp("models")
    for says in ("relative", "metric"):
        torch.manual_seed(0)
        backbone = transformers.Dinov2Config(
            hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=56,
            patch_size=14, out_features=["stage1", "stage2", "stage3", "stage4"], reshape_hidden_states=False,
        )  # fmt: skip
        config = transformers.DepthAnythingConfig(
            backbone_config=backbone, patch_size=14, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8],
            fusion_hidden_size=8, head_hidden_size=8, depth_estimation_type=says, max_depth=80,
        )  # fmt: skip
        transformers.DepthAnythingForDepthEstimation(config).save_pretrained(folder / says)
        processor = transformers.DPTImageProcessor(
            size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14
        )
        processor.save_pretrained(folder / says)
    return folder


def test_a_metric_model_gives_every_image_a_map_in_metres(models: Path) -> None:
    clip = with_guessed_depth(toy_clip(frames=2), str(models / "metric"), CPU)
    for frame in clip.frames:
        assert frame.depth is not None
        assert frame.depth.is_metric
        assert frame.depth.inverse.shape == frame.image.shape[:2]
        depths = 1 / frame.depth.inverse
        assert ((depths > 0.1) & (depths <= 80)).all()


def test_a_relative_model_is_not_believed_about_its_scale(models: Path) -> None:
    clip = with_guessed_depth(toy_clip(frames=1), str(models / "relative"), CPU)
    depth = clip.frames[0].depth
    assert depth is not None
    assert not depth.is_metric
    assert depth.inverse.isfinite().all()


@pytest.mark.parametrize("says", ["relative", "metric"])
def test_a_clip_is_lifted_with_what_a_model_says_with_lidar_and_without(models: Path, says: str) -> None:
    clip = with_guessed_depth(toy_clip(frames=3, speed=8.0), str(models / says), CPU)
    small = LiftConfig(panorama_height=256)
    for inputs in (clip, replace(clip, sweeps=())):
        lifted = lift(with_scans(inputs, small), small)
        assert len(lifted.gaussians) > 0
        assert lifted.gaussians.means.isfinite().all()


def test_a_model_that_is_not_there_is_refused_in_one_sentence(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (models / "empty").mkdir()
    for name in (models / "empty", models / "none"):
        with pytest.raises(CheckpointError, match="transformers depth-estimation model") as caught:
            with_guessed_depth(toy_clip(frames=1), str(name), CPU)
        assert str(name) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_model_for_something_else_is_refused(models: Path) -> None:
    import transformers

    bert = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=8
    )
    transformers.BertModel(bert).save_pretrained(models / "bert")
    with pytest.raises(CheckpointError, match="bert"):
        with_guessed_depth(toy_clip(frames=1), str(models / "bert"), CPU)


def test_without_transformers_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(Flux4dError, match=r'pip install "flux4d\[depth\]"'):
        with_guessed_depth(toy_clip(frames=1), "any", CPU)
