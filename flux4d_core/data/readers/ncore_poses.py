"""NCore's graph of poses: named frames, between which static or moving edges lead."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.document import Entry
from flux4d_core.data.poses import covered, interpolate, invert, is_rigid, nearest_rigid
from flux4d_core.errors import LogError

RIG, WORLD = "rig", "world"
_EDGE = re.compile(r"""\((?:'([^']+)'|"([^"]+)"), (?:'([^']+)'|"([^"]+)")\)""")
_LATEST_US = 2**62 // 1000


@dataclass(frozen=True)
class Edge:
    """The pose that takes points of frame `source` to frame `target`."""

    source: str
    target: str
    times_ns: Int64[ndarray, "poses"] | None
    """None: it never changes."""
    poses: Float64[ndarray, "poses 4 4"]
    """One, if it never changes."""


@dataclass(frozen=True)
class PoseGraph:
    """Frames and the edges between them; `place` says for errors where they stand."""

    edges: tuple[Edge, ...]
    place: str

    def known(self, source: str, target: str, at_ns: Int64[ndarray, "at"]) -> Bool[ndarray, "at"]:
        """At which times the pose between two frames is known; raises LogError if no edges lead there."""
        known = np.ones(len(at_ns), bool)
        for edge, _ in self._path(source, target):
            if edge.times_ns is not None:
                known &= covered(edge.times_ns, at_ns)
        return known

    def poses(self, source: str, target: str, at_ns: Int64[ndarray, "at"]) -> Float64[ndarray, "at 4 4"]:
        """The poses that take points of one frame to another; raises LogError where they are not known."""
        result = np.tile(np.eye(4), (len(at_ns), 1, 1))
        for edge, forward in self._path(source, target):
            if edge.times_ns is None:
                poses = np.repeat(edge.poses, len(at_ns), axis=0)
            else:
                poses = self._between(edge.times_ns, edge.poses, at_ns)
            result = (poses if forward else invert(poses)) @ result
        return result

    def _between(
        self, times_ns: Int64[ndarray, "poses"], poses: Float64[ndarray, "poses 4 4"], at_ns: Int64[ndarray, "at"]
    ) -> Float64[ndarray, "at 4 4"]:
        try:
            return interpolate(times_ns, poses, at_ns)
        except LogError as problem:
            raise LogError(f"{self.place}: {problem}") from None

    def stamps(self, source: str, target: str) -> Int64[ndarray, "stamps"]:
        """When the moving edge on the way has poses (the first, if there are several); none if nothing moves."""
        moving = [edge.times_ns for edge, _ in self._path(source, target) if edge.times_ns is not None]
        return moving[0] if moving else np.zeros(0, np.int64)

    def _path(self, source: str, target: str) -> list[tuple[Edge, bool]]:
        """Edges from one frame to another, each with whether it is passed in its own direction."""
        ways: dict[str, list[tuple[Edge, bool]]] = {source: []}
        frontier = [source]
        while frontier and target not in ways:
            here = frontier.pop(0)
            for edge in self.edges:
                for start, end, forward in ((edge.source, edge.target, True), (edge.target, edge.source, False)):
                    if start == here and end not in ways:
                        ways[end] = [*ways[here], (edge, forward)]
                        frontier.append(end)
        if target not in ways:
            raise LogError(f"{self.place}: no poses lead from the frame {source!r} to {target!r}")
        return ways[target]


def read_edges(static: Entry, moving: Entry) -> tuple[Edge, ...]:
    """The attributes of a component's static_poses and dynamic_poses; raises LogError naming what is wrong."""
    edges = []
    for key, value in static.entries().items():
        pose = value["pose"].array(4, 4)
        edges.append(Edge(*_frames(key, static), None, _rigid(pose, value)[None]))
    for key, value in moving.entries().items():
        count = len(list(value["timestamps_us"]))
        times_us = np.array([stamp.integer() for stamp in value["timestamps_us"]], np.int64)
        poses = value["poses"].array(count, 4, 4)
        if count < 1 or not (times_us[0] >= 0 and times_us[-1] < _LATEST_US and (np.diff(times_us) > 0).all()):
            raise LogError(f"{value.path}: {value.place}: expected time stamps (microseconds) that increase")
        edges.append(Edge(*_frames(key, moving), times_us * 1000, _rigid(poses, value)))
    return tuple(edges)


def _frames(key: str, entry: Entry) -> tuple[str, str]:
    """Source and target of a key like "('rig', 'world')"."""
    found = _EDGE.fullmatch(key)
    if found is None:
        raise LogError(f"{entry.path}: {entry.place}: expected a key like \"('rig', 'world')\", found {key[:80]!r}")
    return found[1] or found[2], found[3] or found[4]


def _rigid(poses: Float64[ndarray, "*batch 4 4"], entry: Entry) -> Float64[ndarray, "*batch 4 4"]:
    """Poses may be stored in float32, so that their rotations are only nearly so."""
    if not is_rigid(poses):
        raise LogError(f"{entry.path}: {entry.place}: expected rigid poses (a rotation and a shift, last row 0 0 0 1)")
    flat = poses.reshape(-1, 4, 4)
    return np.stack([nearest_rigid(pose) for pose in flat]).reshape(poses.shape)
