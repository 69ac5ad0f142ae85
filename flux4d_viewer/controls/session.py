"""Which drive is open, and how the page looks while one works with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

from flux4d_core.errors import Flux4dError
from flux4d_viewer.browsing import Browsing, Part
from flux4d_viewer.controls.bench import Bench, Client
from flux4d_viewer.jobs.describing import DescribeLog
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog, OpenSceneFile
from flux4d_viewer.library import TOP, Entry
from flux4d_viewer.recent import read_recent, remember
from flux4d_viewer.state import State
from flux4d_viewer.visits import copy_link


class SessionControls:
    """The folder browser, opening, links."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._shelf = bench, bench.shelf
        if self._shelf.recent is not None:
            self._set_recent(read_recent(self._shelf.recent))

    @property
    def root_name(self) -> str:
        """What the library's root is called on the page."""
        return self._shelf.library.root.resolve().name or "/"

    def browse(self, folder: PurePosixPath = TOP) -> None:
        """Look into a folder below the root."""
        try:
            listing = self._shelf.library.look_into(folder)
        except Flux4dError as error:
            self._change(trouble=str(error))
        else:
            self._change(listing=listing, chosen=None, place=None, logs=(), log="", summary=None, trouble="")

    def choose(self, entry: Entry) -> None:
        """Look at something: into a folder, or at what a log holds."""
        if entry.kind == "folder":
            self.browse(entry.path)
            return
        try:
            place = self._shelf.library.find(entry.path)
        except Flux4dError as error:
            self._change(trouble=str(error))
            return
        self._change(chosen=entry, place=place, logs=(), log="", summary=None, trouble="")
        if entry.kind == "log":
            self._bench.put(DescribeLog(place))

    def choose_log(self, name: str) -> None:
        """Look at another log of the dataset that is chosen."""
        place = self._browsing.place
        if place is not None and name in self._browsing.logs and name != self._browsing.log:
            self._change(log=name, summary=None)
            self._bench.put(DescribeLog(place, name))

    def choose_recent(self, path: PurePosixPath) -> None:
        """Look at what was opened before, where it lies."""
        self.browse(path.parent)
        listing = self._browsing.listing
        entry = next((e for e in listing.entries if e.path == path), None) if listing is not None else None
        if entry is not None:
            self.choose(entry)

    def open_chosen(self, part: Part) -> None:
        """Open what is chosen: a scene, or a part of a log."""
        entry = self._browsing.chosen
        if entry is None:
            return
        try:
            place = self._shelf.library.find(entry.path)  # once more: it may have changed since it was listed
        except Flux4dError as error:
            self._change(trouble=str(error))
            return
        if entry.kind == "scene":
            self.open(OpenSceneFile(place))
        else:
            log = self._browsing.log if len(self._browsing.logs) > 1 else None
            window = (part.start, part.duration, part.cameras)
            self.open(OpenLog(place, *window, self._shelf.checkpoint, log=log, stride=part.stride, scale=part.scale))

    def open_demo(self) -> None:
        """The street that ships with the viewer."""
        self.open(OpenDemo(self._shelf.checkpoint))

    def open(self, job: Job) -> None:
        """Begin to open something, and remember it."""
        if isinstance(job, (OpenLog, OpenSceneFile)) and self._shelf.recent is not None:
            self._set_recent(remember(self._shelf.recent, job.path))
        self._bench.put(job)

    def copy_link(self, client: Client) -> None:
        """The address of what a browser sees now, to its clipboard."""
        if client is not None:
            copy_link(client, self._bench.clock.playhead.time)

    @property
    def _browsing(self) -> Browsing:
        return self._bench.store.state.browsing

    def _set_recent(self, paths: tuple[Path, ...]) -> None:
        names = [self._shelf.library.name_of(path) for path in paths]
        self._change(recent=tuple(name for name in names if name is not None and name.parts))

    def _change(self, **changes: object) -> None:
        def change(state: State) -> State:
            browsing = replace(state.browsing, **changes)  # pyright: ignore[reportArgumentType]
            return replace(state, browsing=browsing)

        self._bench.store.change(change)
