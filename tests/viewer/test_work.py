"""The jobs themselves, on a log of the small street."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_street import FRAMES, make_camera, make_clip, make_scene

from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.errors import CheckpointError, Flux4dError, LogError, SceneError
from flux4d_core.learning import adapt as adaptation
from flux4d_core.model.checkpoint import WeightsOrigin, save_checkpoint
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.unet import UNetConfig
from flux4d_core.progress import Cancelled, silent
from flux4d_core.scene.look import Look
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.jobs.adapting import AdaptToLog
from flux4d_viewer.jobs.comparing import Compare, ScoreFrame
from flux4d_viewer.jobs.exporting import Delivery, ExportFilm, ExportScene, Moments, RecordedWay, SaveScene, SceneFormat
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog, OpenSceneFile
from flux4d_viewer.jobs.quality import (
    AlignCameras,
    CheckAlignment,
    ExamineView,
    MeasureErrors,
    OptimizeScene,
    SurveySeen,
)
from flux4d_viewer.messages import (
    Adapted,
    AlignmentChecked,
    Compared,
    ErrorsMeasured,
    Exported,
    Improved,
    Message,
    Opened,
    Reconstructed,
    Scored,
    Surveyed,
    ViewExamined,
)
from flux4d_viewer.work import opening as module
from flux4d_viewer.work.work import Work

TERMS = "Before you share this: the log's terms are not known, so ask their owner."


@pytest.fixture
def scene_file(tmp_path: Path) -> Path:
    path = tmp_path / "street.f4d"
    write_scene(make_scene(), path)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write_log(clip_as_log(make_clip()), tmp_path / "log")
    return tmp_path / "log"


@pytest.fixture
def work() -> Work:
    return Work("cpu", "browser")


def opened(work: Work, scene_file: Path) -> list[Message]:
    messages: list[Message] = []
    work.perform(OpenSceneFile(scene_file), silent, messages.append)
    return messages


def test_a_saved_scene_shows_its_recording_first_and_then_itself(work: Work, scene_file: Path) -> None:
    first, second = opened(work, scene_file)
    assert isinstance(first, Opened)
    assert isinstance(second, Reconstructed)
    assert len(first.recording.frames) == FRAMES
    assert second.drawable.shown == second.drawable.total == len(make_scene().gaussians)
    assert second.notices == ()


def test_more_gaussians_than_a_page_draws_are_said_to_be_left_out(
    work: Work, scene_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flux4d_viewer.canvas import standing

    monkeypatch.setattr(standing, "STATIC_BUDGET", 1000)
    reconstructed = opened(work, scene_file)[1]
    assert isinstance(reconstructed, Reconstructed)
    assert reconstructed.drawable.shown == 1440
    assert "1,440 of 3,240" in reconstructed.notices[0].text


def test_a_log_without_trained_weights_is_lifted_and_says_so(
    work: Work, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise CheckpointError("none installed")

    monkeypatch.setattr(module, "default_weights", none)
    messages: list[Message] = []
    stages: list[str] = []

    def note(stage: str, fraction: float) -> None:
        stages.append(stage)

    work.perform(OpenLog(log, 0.0, 0.3, ()), note, messages.append)
    first, second = messages
    assert isinstance(first, Opened)
    assert isinstance(second, Reconstructed)
    assert len(first.recording.sweeps) == 4
    assert second.scene.provenance.method == "lifted"
    assert any("No trained weights" in notice.text for notice in second.notices)
    assert any(stage.startswith("Lifting") for stage in stages)


def test_the_demo_is_shown_as_it_was_recorded_before_anything_is_reconstructed(work: Work) -> None:
    messages: list[Message] = []

    def cancel(stage: str, fraction: float) -> None:
        if stage.startswith(("Compiling", "Lifting")):
            raise Cancelled

    with pytest.raises(Cancelled):
        work.perform(OpenDemo(), cancel, messages.append)
    (shown,) = messages
    assert isinstance(shown, Opened)
    assert len(shown.recording.frames) == len(shown.recording.sweeps) == 11
    assert any("simulated street" in notice.text for notice in shown.notices)


def test_a_log_with_weights_is_reconstructed_by_the_network(work: Work, log: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    tiny = UNetConfig(channels=(8, 8))
    network = Reconstructor(ReconstructorConfig(unet=tiny, refine_unet=tiny, head_width=8))
    weights = tmp_path / "tiny.safetensors"
    save_checkpoint(network, WeightsOrigin("tiny", "nothing", "none"), weights)
    messages: list[Message] = []
    work.perform(OpenLog(log, 0.0, 0.3, (), weights), silent, messages.append)
    reconstructed = messages[1]
    assert isinstance(reconstructed, Reconstructed)
    assert reconstructed.scene.provenance.method == "feed-forward"
    assert reconstructed.scene.provenance.weights.startswith("tiny")
    assert reconstructed.notices == ()


def test_cancelling_while_lifting_leaves_the_scene_that_was_there(work: Work, scene_file: Path, log: Path) -> None:
    opened(work, scene_file)

    def cancel(stage: str, fraction: float) -> None:
        if stage.startswith("reading"):
            raise Cancelled

    with pytest.raises(Cancelled):
        work.perform(OpenLog(log, 0.0, 0.3, ()), cancel, lambda _: None)
    messages: list[Message] = []
    work.perform(Compare(0), silent, messages.append)
    assert isinstance(messages[0], Compared)


def test_a_comparison_is_the_recorded_image_and_a_render_of_the_same_size(work: Work, scene_file: Path) -> None:
    opened(work, scene_file)
    messages: list[Message] = []
    work.perform(Compare(3), silent, messages.append)
    (compared,) = messages
    assert isinstance(compared, Compared)
    assert compared.frame == 3
    assert np.array_equal(compared.recorded, read_scene(scene_file).frames[3].image.numpy())
    assert compared.rendered.shape == compared.recorded.shape
    error = ((compared.recorded / 255.0 - compared.rendered / 255.0) ** 2).mean()
    assert compared.psnr == pytest.approx(-10 * np.log10(error), abs=0.1)


def test_a_score_agrees_with_the_comparison_of_the_same_frame(work: Work, scene_file: Path) -> None:
    opened(work, scene_file)
    messages: list[Message] = []
    work.perform(Compare(3), silent, messages.append)
    work.perform(ScoreFrame(3), silent, messages.append)
    compared, scored = messages
    assert isinstance(compared, Compared) and isinstance(scored, Scored)
    assert (scored.score.frame, scored.score.sensor) == (3, "front")
    assert scored.score.psnr == pytest.approx(compared.psnr, abs=0.01)
    assert scored.score.ssim == pytest.approx(compared.ssim, abs=0.01)
    assert 0 < compared.ssim < 1


def test_a_view_is_examined_once_the_recorded_cameras_were_looked_through(work: Work, scene_file: Path) -> None:
    opened(work, scene_file)
    messages: list[Message] = []
    while not messages or messages[-1] != Surveyed(1.0):
        work.perform(SurveySeen(), silent, messages.append)
    assert len(messages) == 6  # two of eleven cameras at a time
    pose = Pose(make_camera(0.5).camera_to_world.numpy().astype(np.float64), 1.0, 100, 60)
    work.perform(ExamineView(7, pose, 0.5), silent, messages.append)
    examined = messages[-1]
    assert isinstance(examined, ViewExamined)
    assert examined.found.client == 7
    assert examined.found.unseen < 0.05
    assert examined.found.hatch.shape[2] == 4


def test_errors_are_one_number_for_every_gaussian(work: Work, scene_file: Path) -> None:
    opened(work, scene_file)
    messages: list[Message] = []
    work.perform(MeasureErrors(), silent, messages.append)
    (measured,) = messages
    assert isinstance(measured, ErrorsMeasured)
    assert len(measured.errors.values) == len(read_scene(scene_file).gaussians)
    assert 0 < np.nanmean(measured.errors.values) < 50
    assert measured.errors.unit == "%"


def test_a_saved_scene_is_optimised_and_kept_if_better_but_its_cameras_cannot_be_aligned(
    work: Work, scene_file: Path
) -> None:
    opened(work, scene_file)
    messages: list[Message] = []
    work.perform(OptimizeScene(3.0), silent, messages.append)
    improved = messages[0]
    assert isinstance(improved, Improved)
    assert "Held-out PSNR" in improved.sentence
    assert improved.is_kept == any(isinstance(message, Reconstructed) for message in messages)
    with pytest.raises(Flux4dError, match="Open the log"):
        work.perform(AlignCameras(), silent, messages.append)


def test_the_alignment_of_an_open_log_is_checked_and_that_of_a_saved_scene_cannot_be(
    work: Work, log: Path, scene_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "reconstruct", lambda *_: None)
    work.perform(OpenLog(log, 0.0, 1.0, ()), silent, lambda _: None)
    messages: list[Message] = []
    work.perform(CheckAlignment(), silent, messages.append)
    (checked,) = messages
    assert isinstance(checked, AlignmentChecked)
    assert checked.picture.shape == (360, 640, 3)
    assert len(checked.verdicts) == 2
    assert 0 < checked.sharpness < 1
    opened(work, scene_file)
    with pytest.raises(Flux4dError, match="open log"):
        work.perform(CheckAlignment(), silent, messages.append)


def test_a_video_a_scene_and_a_ply_are_written_and_told_of(work: Work, scene_file: Path, tmp_path: Path) -> None:
    opened(work, scene_file)
    messages: list[Message] = []
    for job in (
        ExportFilm(RecordedWay("front", 2.0, 10.0, 1.0, 64), Delivery(tmp_path, client=5)),
        SaveScene(Delivery(tmp_path)),
        ExportScene("ply", Moments(0.5), Delivery(tmp_path)),
    ):
        work.perform(job, silent, messages.append)
    expected = [("street_front_shift+2.0m.mp4", 5), ("street_2.f4d", None), ("street_0.50s.ply", None)]
    files = [tmp_path / name for name, _ in expected]
    assert all(file.stat().st_size > 1000 for file in files)
    assert messages == [
        Exported(file, client, TERMS, file.stat().st_size) for file, (_, client) in zip(files, expected, strict=True)
    ]


@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("ply-sequence", "street_plys"),
        ("page", "street.html"),
        ("glb", "street_boxes.glb"),
        ("json", "street_boxes.json"),
        ("csv", "street_boxes.csv"),
        ("colmap", "street_colmap"),
        ("rrd", "street.rrd"),
    ],
)
def test_every_format_is_written_under_the_scenes_name_and_privately_under_none(
    work: Work, scene_file: Path, tmp_path: Path, format: SceneFormat, name: str
) -> None:
    if format == "rrd":
        pytest.importorskip("rerun", reason="needs the rerun SDK: pip install flux4d[rerun]")
    opened(work, scene_file)
    messages: list[Message] = []
    for private in (False, True):
        job = ExportScene(format, Moments(0.5, 0.0, 1.0, fps=2.0), Delivery(tmp_path, private=private))
        work.perform(job, silent, messages.append)
    paths = [message.path for message in messages if isinstance(message, Exported)]
    assert paths == [tmp_path / name, tmp_path / name.replace("street", "scene")]
    whole = b"".join(file.read_bytes() for file in [paths[1], *paths[1].rglob("*")] if file.is_file())
    assert b"street" not in whole
    assert all(isinstance(message, Exported) and message.size > 500 for message in messages)


def test_the_layer_and_the_format_of_a_film_are_in_its_name(work: Work, scene_file: Path, tmp_path: Path) -> None:
    opened(work, scene_file)
    messages: list[Message] = []
    way = RecordedWay("front", fps=5.0, width=64)
    work.perform(ExportFilm(way, Delivery(tmp_path), Look("depth"), "png"), silent, messages.append)
    work.perform(ExportFilm(way, Delivery(tmp_path), Look("seen"), "gif"), silent, messages.append)
    paths = [message.path for message in messages if isinstance(message, Exported)]
    assert paths == [tmp_path / "street_front_depth", tmp_path / "street_front_seen.gif"]
    assert len(list(paths[0].iterdir())) == 6


def test_before_there_is_a_scene_nothing_can_be_exported(work: Work, tmp_path: Path) -> None:
    with pytest.raises(Flux4dError, match="no scene yet"):
        work.perform(SaveScene(Delivery(tmp_path)), silent, lambda _: None)


def test_what_is_no_log_or_no_scene_is_refused_in_one_sentence(work: Work, tmp_path: Path) -> None:
    with pytest.raises(LogError):
        work.perform(OpenLog(tmp_path, 0.0, 1.0, ()), silent, lambda _: None)
    with pytest.raises(SceneError):
        work.perform(OpenSceneFile(tmp_path / "none.f4d"), silent, lambda _: None)


def test_weights_that_are_named_but_missing_are_refused(work: Work, log: Path, tmp_path: Path) -> None:
    job = OpenLog(log, 0.0, 0.3, (), tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError):
        work.perform(job, silent, lambda _: None)


def test_a_server_that_draws_sends_no_splats(scene_file: Path) -> None:
    reconstructed = opened(Work("cpu", "gpu"), scene_file)[1]
    assert isinstance(reconstructed, Reconstructed)
    assert reconstructed.drawable.static is None
    assert reconstructed.drawable.painter is not None


def test_depth_images_are_read_with_the_log_and_one_that_is_missing_is_named(
    work: Work, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "depth").mkdir()
    messages: list[Message] = []
    with pytest.raises(LogError, match=r"expected the depth of an image in .*000000\.png"):
        work.perform(OpenLog(log, 0.0, 1.0, (), depth=tmp_path / "depth"), silent, messages.append)
    assert messages == []


def test_an_adapted_network_makes_a_new_scene_if_it_helped_and_none_if_it_did_not(
    work: Work, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    tiny = UNetConfig(channels=(8, 8))
    network = Reconstructor(ReconstructorConfig(unet=tiny, refine_unet=tiny, head_width=8))
    weights = tmp_path / "tiny.safetensors"
    save_checkpoint(network, WeightsOrigin("tiny", "nothing", "CC0"), weights)
    messages: list[Message] = []
    work.perform(OpenLog(log, 0.0, 0.4, (), weights), silent, messages.append)
    assert isinstance(messages[0], Opened)
    assert messages[0].is_log
    for figures, kinds in (((20.0, 19.0), [Adapted]), ((19.0, 20.0), [Adapted, Reconstructed])):
        scores = iter(figures)
        monkeypatch.setattr(adaptation, "_judge", lambda *_, scores=scores: next(scores))
        messages.clear()
        work.perform(AdaptToLog(0.001), silent, messages.append)
        assert [type(message) for message in messages] == kinds
        assert isinstance(messages[0], Adapted)
        assert messages[0].is_kept == (len(kinds) == 2)
    assert isinstance(messages[1], Reconstructed)
    assert messages[1].scene.provenance.weights.startswith("tiny, adapted to")
    assert "unknown" in messages[1].scene.provenance.weights_licence
    work.perform(SaveScene(Delivery(tmp_path)), silent, messages.append)
    assert isinstance(messages[-1], Exported)
    assert "ask their owner" in messages[-1].note


def test_a_saved_scene_cannot_be_learned_from(work: Work, scene_file: Path) -> None:
    first = opened(work, scene_file)[0]
    assert isinstance(first, Opened)
    assert not first.is_log
    with pytest.raises(Flux4dError, match="open the log"):
        work.perform(AdaptToLog(10.0), silent, lambda _: None)
