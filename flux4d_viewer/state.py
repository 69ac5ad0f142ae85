"""What is open and how it is shown: one frozen value, changed by pure functions, drawn by one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_viewer.browsing import Browsing
from flux4d_viewer.colormaps import Colormap
from flux4d_viewer.comparison import Comparing, Score
from flux4d_viewer.editing import Editing
from flux4d_viewer.examined import Examined
from flux4d_viewer.history import History
from flux4d_viewer.looking import ArrowsPer, ColorBy, Errors, LidarColor, Measuring, Painted, Picture, Range, Rgb, Trail
from flux4d_viewer.messages import (
    Adapted,
    AlignmentChecked,
    Compared,
    Counted,
    Described,
    ErrorsMeasured,
    Exported,
    Failed,
    Finished,
    Improved,
    Message,
    Notice,
    Opened,
    PathMade,
    Progressed,
    Reconstructed,
    Scored,
    Started,
    Stopped,
    Surveyed,
    ViewExamined,
)
from flux4d_viewer.path_editing import PathEditing

if TYPE_CHECKING:
    from flux4d_core.scene.scene import Scene
    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.layout import Layout
    from flux4d_viewer.canvas.painter import Painter
    from flux4d_viewer.recording import Recording
    from flux4d_viewer.staged import Staged

Show = Literal["everything", "static", "dynamic"]
RECENT_FILES = 6
"""Files that are remembered to be fetched again."""
Amount = Literal["none", "playhead", "all"]
"""Of what was recorded: nothing, what is nearest to the playhead, or all of it."""


@dataclass(frozen=True)
class View:
    """How the scene is shown; shared by all browsers that look at it."""

    show: Show = "everything"
    threshold: float = 1.0
    """What is faster than this is dynamic (m/s)."""
    color: ColorBy = "real"
    picture: Picture = "colors"
    colormap: Colormap = "rainbow"
    range: Range | None = None
    """Where the legend begins and ends; None: chosen to fit the scene."""
    arrows: ArrowsPer | None = None
    arrow_seconds: float = 0.25
    """An arrow is as long as the way of so many seconds."""
    trail: Trail = "none"
    trail_seconds: float = 1.0
    """Of the way behind each actor, where only the last of it is shown."""
    boxes: bool = False
    frusta: Amount = "playhead"
    lidar: Amount = "none"
    lidar_color: LidarColor = "image"
    path: bool = True
    vehicle: bool = False
    """Whether the own vehicle is drawn, as a plain body."""
    labels: bool = False
    """Whether the dataset's own boxes are drawn."""
    backdrop: Rgb | None = None
    """Behind everything, instead of the sky."""
    splat_size: float = 1.0
    """Share of the Gaussians' true size; only where the server draws."""
    cut: float = 0.0
    """What is nearer to the eye is left out (m); only where the server draws."""


@dataclass(frozen=True)
class Work:
    """The job under way."""

    title: str
    stage: str = ""
    fraction: float = 0.0
    seconds: float = 0.0
    """Since it began, at the last report."""
    cancelling: bool = False

    @property
    def remaining(self) -> float | None:
        """Seconds left at the present pace; None while that is a guess."""
        if self.fraction < 0.05 or self.seconds < 1.0:
            return None
        return self.seconds * (1 - self.fraction) / self.fraction


@dataclass(frozen=True)
class State:
    """All that the panels and the canvas draw from, except the playhead (see `clock`)."""

    recording: Recording | None = None
    scene: Scene | None = None
    drawable: Drawable | None = None
    view: View = field(default_factory=View)
    camera: str = ""
    """The recorded camera that is chosen."""
    work: Work | None = None
    problem: str = ""
    """Why the last job failed, in one sentence."""
    notices: tuple[Notice, ...] = ()
    comparison: Compared | None = None
    comparing: Comparing = field(default_factory=Comparing)
    scores: tuple[Score, ...] = ()
    """Of the frames that were scored so far, in their order; computed while nothing else is to be done."""
    scored_edits: Edits = field(default_factory=Edits)
    """Done to the scene before it was scored."""
    surveyed: float = 0.0
    """How much is known of what was ever seen, 0 to 1."""
    examined: tuple[Examined, ...] = ()
    """Each browser's view when it rested last, the newest at the end."""
    improved: Improved | None = None
    """What the last attempt to make the scene sharper did."""
    checked: AlignmentChecked | None = None
    """How well the sensors of the open log agree; None until asked."""
    exported: Exported | None = None
    """The newest file."""
    written: tuple[Exported, ...] = ()
    """The newest files, the newest first."""
    is_log: bool = False
    """Whether what is open can be learned from."""
    adapted: Adapted | None = None
    """What the last adaptation to this log did."""
    history: History = field(default_factory=History)
    """What was done to the scene, and what was undone."""
    errors: Errors | None = None
    """How far each Gaussian is from the recorded images, once that is known."""
    following: str = ""
    """Whom the view follows: an actor's id, `looking.EGO`, or nobody."""
    measuring: Measuring = field(default_factory=Measuring)
    painted: Painted | None = None
    """The server's newest picture, if the server draws."""
    plots: bool = False
    """Whether curves are drawn under the timeline."""
    browsing: Browsing = field(default_factory=Browsing)
    """What could be opened instead."""
    counted: Counted | None = None
    """How many Gaussians move; counted once the curves are wanted."""
    editing: Editing = field(default_factory=Editing)
    """What is selected, and what the hands are at."""
    staged: Staged | None = None
    """The scene after the newest edits that are worked out; None: as reconstructed."""

    path: CameraPath = field(default_factory=CameraPath)
    """What is filmed; without keyframes, the recorded camera's way."""
    pathing: PathEditing = field(default_factory=PathEditing)

    @property
    def layout(self) -> Layout | None:
        """What the page shows, node by node."""
        if self.staged is not None and not self.editing.shows_before:
            return self.staged.layout
        return self.drawable.layout if self.drawable else None

    @property
    def painter(self) -> Painter | None:
        """Who draws what the page shows, if the server does."""
        if self.staged is not None and not self.editing.shows_before:
            return self.staged.painter
        return self.drawable.painter if self.drawable else None


def receive(state: State, message: Message) -> State:
    """The state after the worker's message."""
    match message:
        case Started(title):
            return replace(state, work=Work(title), problem="")
        case Progressed():
            return _progress(state, message)
        case Opened():
            return _open(state, message)
        case Reconstructed():
            return _show_scene(state, message)
        case Described(path, logs, log, summary):
            browsing = replace(state.browsing, logs=logs, log=log, summary=summary)
            return replace(state, browsing=browsing) if state.browsing.place == path else state
        case Adapted():
            return replace(state, adapted=message)
        case Compared():
            return replace(state, comparison=message)
        case Counted():
            return replace(state, counted=message)
        case Scored():
            return _score(state, message)
        case Surveyed(share):
            return replace(state, surveyed=share)
        case ViewExamined(found):
            others = tuple(one for one in state.examined if one.client != found.client)
            return replace(state, examined=(*others[-MOST_VIEWS:], found))
        case ErrorsMeasured(errors):
            return replace(state, errors=errors)
        case Improved():
            return replace(state, improved=message)
        case AlignmentChecked():
            return replace(state, checked=message)
        case Exported():
            return replace(state, exported=message, written=(message, *state.written)[:RECENT_FILES])
        case PathMade(path):
            return set_path(state, path, -1)
        case Failed(title, sentence):
            return replace(state, work=None, problem=f"{title} failed. {sentence}")
        case Stopped(title):
            return replace(state, work=None, problem=f"{title} was cancelled.")
        case Finished():
            return replace(state, work=None)


def _progress(state: State, message: Progressed) -> State:
    cancelling = state.work.cancelling if state.work else False
    work = Work(message.title, message.stage, message.fraction, message.seconds, cancelling)
    return replace(state, work=work)


MOST_VIEWS = 16
"""Browsers whose last view is remembered."""


def _score(state: State, message: Scored) -> State:
    """One more frame is scored; after other edits all scores begin anew."""
    if message.edits != state.history.edits:
        return state
    known = state.scores if message.edits == state.scored_edits else ()
    others = [score for score in known if score.frame != message.score.frame]
    scores = tuple(sorted([*others, message.score], key=lambda score: score.frame))
    return replace(state, scores=scores, scored_edits=message.edits)


def _open(state: State, message: Opened) -> State:
    """The recording takes the place of whatever was open; its LiDAR is shown until there is a scene."""
    sensors = message.recording.sensors
    return replace(
        state,
        recording=message.recording,
        scene=None,
        drawable=None,
        comparison=None,
        counted=None,
        scores=(),
        surveyed=0.0,
        examined=(),
        improved=None,
        checked=None,
        errors=None,
        is_log=message.is_log,
        adapted=None,
        history=History(),
        editing=Editing(),
        staged=None,
        following="",
        measuring=Measuring(),
        painted=None,
        path=path_in_size_of(state.path, message.recording),
        pathing=PathEditing(is_shown=state.pathing.is_shown),
        camera=sensors[0] if sensors else "",
        notices=message.notices,
        view=replace(state.view, lidar="all", frusta="playhead"),
    )


def _show_scene(state: State, message: Reconstructed) -> State:
    """The scene takes the place of the LiDAR, unless the user had set that otherwise meanwhile."""
    lidar: Amount = "none" if state.view.lidar == "all" else state.view.lidar
    return replace(
        state,
        scene=message.scene,
        drawable=message.drawable,
        comparison=None,
        history=state.history if message.keeps_edits else History(message.edits),
        editing=Editing(),
        staged=None,
        errors=None,
        measuring=Measuring(),
        counted=None,
        scores=(),
        surveyed=0.0,
        notices=tuple(dict.fromkeys(state.notices + message.notices)),
        view=replace(state.view, lidar=lidar),
    )


def change_view(state: State, **changes: object) -> State:
    """The state with some fields of its view changed."""
    return replace(state, view=replace(state.view, **changes))  # pyright: ignore[reportArgumentType]


def path_in_size_of(path: CameraPath, recording: Recording) -> CameraPath:
    """A path without keyframes, whose pictures are as large as the first camera's (even numbers, as video needs)."""
    empty = replace(path, keyframes=(), center=(0.5, 0.5), projection="pinhole")
    if not recording.frames:
        return replace(empty, width=1280, height=720)
    first = recording.frames[0]
    return replace(empty, width=max(16, first.width // 2 * 2), height=max(16, first.height // 2 * 2))


def set_path(state: State, path: CameraPath, chosen: int, change: str = "") -> State:
    """The state with another camera path; `change`: what to, so that further changes to the same are undone with it."""
    pathing = replace(state.pathing.keep(state.path, change), chosen=chosen)
    return replace(state, path=path, pathing=pathing)


def step_path(state: State, back: bool) -> State:
    """The state with the last change of its camera path undone, or done again."""
    pathing = state.pathing
    kept = pathing.past if back else pathing.future
    if not kept:
        return state
    past = pathing.past[:-1] if back else (*pathing.past, state.path)
    future = (*pathing.future, state.path) if back else pathing.future[:-1]
    chosen = min(pathing.chosen, len(kept[-1].keyframes) - 1)
    return replace(state, path=kept[-1], pathing=replace(pathing, past=past, future=future, chosen=chosen, change=""))


class Store:
    """Holds the state for all threads. Changes are applied one after the other; `changed` is told of each."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._state = State()
        self._lock = threading.Lock()
        self._changed = changed

    @property
    def state(self) -> State:
        """The newest state; it never changes under the reader's hands."""
        return self._state

    def change(self, function: Callable[[State], State]) -> None:
        """Replace the state by a function of it."""
        with self._lock:
            self._state = function(self._state)
        self._changed()

    def receive(self, message: Message) -> None:
        """Take a message of the worker."""
        self.change(lambda state: receive(state, message))

    def set_view(self, **changes: object) -> None:
        """Change fields of the view."""
        self.change(lambda state: change_view(state, **changes))
