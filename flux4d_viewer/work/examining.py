"""What a view consists of, and where its errors come from."""

from __future__ import annotations

from flux4d_core.progress import Report
from flux4d_core.rendering.blame import mean_errors
from flux4d_core.scene.blur import examine
from flux4d_viewer.canvas.painter import camera_of
from flux4d_viewer.examined import Examined, hatched
from flux4d_viewer.jobs.quality import ExamineView, MeasureErrors, SurveySeen
from flux4d_viewer.messages import ErrorsMeasured, Surveyed, ViewExamined
from flux4d_viewer.work.session import Post, Session


def survey_seen(session: Session, job: SurveySeen, report: Report, post: Post) -> None:
    """A few recorded cameras more."""
    session.compile(report)
    survey = session.survey
    survey.go_on()
    post(Surveyed(survey.share))


def examine_view(session: Session, job: ExamineView, report: Report, post: Post) -> None:
    """Of one browser's view: what was never seen, what was guessed, what moves."""
    stage = session.stage(job.edits)
    session.compile(report)
    facts = examine(stage, camera_of(job.pose, job.time), session.survey.map)
    hatch = hatched(facts.seen.numpy())
    found = Examined(job.client, job.pose, job.time, facts.unseen, facts.guessed, facts.moving, facts.speed, hatch)
    post(ViewExamined(found, job.edits))


def measure_errors(session: Session, job: MeasureErrors, report: Report, post: Post) -> None:
    """One number for every Gaussian."""
    stage = session.stage(job.edits)
    session.compile(report)
    errors = mean_errors(stage.at, stage.sky, stage.scene.frames, report)
    post(ErrorsMeasured(errors.cpu().numpy(), job.edits))
