"""How far a whole job is, from how far its present stage is: the stages in order, with their usual shares."""

from __future__ import annotations

from flux4d_viewer.jobs.adapting import AdaptToLog
from flux4d_viewer.jobs.exporting import ExportFilm, ExportScene
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog
from flux4d_viewer.jobs.quality import AlignCameras, OptimizeScene

_RECONSTRUCT = (
    ("lifting", 8.0),
    ("predicting", 5.0),
    ("checking", 5.0),
    ("compiling", 8.0),
    ("refining", 10.0),
    ("grouping", 2.0),
    ("preparing", 4.0),
)
_REBUILD = (("predicting", 5.0), ("checking", 5.0), ("refining", 10.0), ("grouping", 2.0), ("preparing", 4.0))
_READ = (("loading", 6.0), ("reading sweeps", 2.0), ("reading images", 2.0), ("colouring", 2.0))


class Plan:
    """Stages by the first words of their names, each with the seconds that it usually takes."""

    def __init__(self, stages: tuple[tuple[str, float], ...]) -> None:
        self._stages = stages
        self._total = sum(seconds for _, seconds in stages)
        self._reached = 0.0

    def reached(self, stage: str, fraction: float) -> float:
        """Share of the whole job, which never goes back; a stage that is not planned adds nothing."""
        if not self._stages:
            self._reached = max(self._reached, fraction)
        before = 0.0
        for words, seconds in self._stages:
            if stage.lower().startswith(words):
                done = (before + seconds * min(max(fraction, 0.0), 1.0)) / self._total
                self._reached = max(self._reached, done)
                break
            before += seconds
        return self._reached


def plan_of(job: Job) -> Plan:
    """The usual course of a job; one of a single stage needs none."""
    match job:
        case OpenLog() | OpenDemo():
            return Plan(_READ + _RECONSTRUCT)
        case AdaptToLog(seconds):
            judging = (("lifting", 8.0), ("judging the weights as they are", 10.0))
            return Plan((*judging, ("adapting", seconds), ("judging the adapted", 10.0), *_REBUILD))
        case ExportFilm():
            return Plan((("compiling", 2.0), ("mapping", 6.0), ("filming", 60.0)))
        case ExportScene(format="page"):
            return Plan((("preparing", 4.0), ("recording", 4.0), ("packing", 4.0)))
        case AlignCameras():
            rounds = (("reconstructing to align", 15.0), ("round 1", 60.0), ("round 2", 60.0), ("judging", 5.0))
            return Plan((*rounds, *_REBUILD))
        case OptimizeScene(seconds):
            return Plan((("judging the scene", 5.0), ("optimising", seconds), ("judging", 5.0), ("preparing", 4.0)))
        case _:
            return Plan(())
