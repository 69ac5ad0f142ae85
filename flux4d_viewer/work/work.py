"""What the worker does for each job. Loads all that is slow to load, so it is imported on the worker's thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flux4d_core.progress import Report
from flux4d_viewer.device import Renderer, choose_desk
from flux4d_viewer.jobs.adapting import AdaptToLog
from flux4d_viewer.jobs.comparing import Compare, ScoreFrame
from flux4d_viewer.jobs.counting import CountMoving
from flux4d_viewer.jobs.describing import DescribeLog
from flux4d_viewer.jobs.editing import SaveActor
from flux4d_viewer.jobs.exporting import ExportFilm, ExportScene, SaveScene
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog, OpenSceneFile, ShowScene
from flux4d_viewer.jobs.paths import MakePath
from flux4d_viewer.jobs.quality import (
    AlignCameras,
    CheckAlignment,
    ExamineView,
    MeasureErrors,
    OptimizeScene,
    SurveySeen,
)
from flux4d_viewer.work.adapting import adapt_to_the_log
from flux4d_viewer.work.checking import check_alignment
from flux4d_viewer.work.comparing import compare, score_frame
from flux4d_viewer.work.counting import count_moving
from flux4d_viewer.work.describing import describe_a_log
from flux4d_viewer.work.editing import save_actor
from flux4d_viewer.work.examining import examine_view, measure_errors, survey_seen
from flux4d_viewer.work.exporting import export_film, export_scene, save_scene
from flux4d_viewer.work.improving import align_cameras, optimize_scene
from flux4d_viewer.work.opening import open_a_log, open_a_scene, open_the_demo, show_a_scene
from flux4d_viewer.work.paths import make_a_path
from flux4d_viewer.work.session import Post, Session

_DOES: dict[type[Job], Callable[[Session, Any, Report, Post], None]] = {
    OpenDemo: open_the_demo,
    OpenLog: open_a_log,
    OpenSceneFile: open_a_scene,
    ShowScene: show_a_scene,
    DescribeLog: describe_a_log,
    AdaptToLog: adapt_to_the_log,
    Compare: compare,
    CountMoving: count_moving,
    ScoreFrame: score_frame,
    ExportFilm: export_film,
    SurveySeen: survey_seen,
    ExamineView: examine_view,
    MeasureErrors: measure_errors,
    AlignCameras: align_cameras,
    CheckAlignment: check_alignment,
    OptimizeScene: optimize_scene,
    MakePath: make_a_path,
    SaveScene: save_scene,
    SaveActor: save_actor,
    ExportScene: export_scene,
}


class Work:
    """Does the jobs of one viewer."""

    def __init__(self, device: str, renderer: Renderer, folder: Path = Path()) -> None:
        """`folder`: where edits lie, and beside them the files of inserted actors."""
        self._session = Session(choose_desk(device, renderer), folder)

    def perform(self, job: Job, report: Report, post: Post) -> None:
        """Do one job; raises Flux4dError, or Cancelled from within `report`."""
        _DOES[type(job)](self._session, job, report, post)
