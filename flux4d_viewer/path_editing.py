"""Keyframes in hand: which one, what was done to the path and undone, and how a path changes keyframe by keyframe."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe


@dataclass(frozen=True)
class PathEditing:
    """What the tab "Path" keeps besides the path itself."""

    chosen: int = -1
    """Position of the keyframe in hand; -1: none."""
    past: tuple[CameraPath, ...] = ()
    """Before each change, the oldest first."""
    future: tuple[CameraPath, ...] = ()
    """What was undone, the next to redo last."""
    change: str = ""
    """What the last change was to: further ones to the same are undone with it."""
    is_shown: bool = True
    """Whether the path is drawn in the scene."""
    is_flying: bool = False
    """Whether a browser is being flown along the path."""
    note: str = ""
    """What was loaded or saved last, in words."""

    def keep(self, path: CameraPath, change: str) -> PathEditing:
        """Before the path is changed: what was undone is forgotten."""
        past = self.past if change and change == self.change else (*self.past, path)
        return replace(self, past=past, future=(), change=change)


def inserted(path: CameraPath, chosen: int, keyframe: Keyframe) -> tuple[CameraPath, int]:
    """The path with one more keyframe, after the chosen one or at the end, and its position."""
    place = chosen + 1 if 0 <= chosen < len(path.keyframes) else len(path.keyframes)
    keyframes = (*path.keyframes[:place], keyframe, *path.keyframes[place:])
    return replace(path, keyframes=keyframes), place


def removed(path: CameraPath, index: int) -> tuple[CameraPath, int]:
    """The path without a keyframe, and the position of the one that takes its place in the hand; -1 if none is left."""
    keyframes = path.keyframes[:index] + path.keyframes[index + 1 :]
    return replace(path, keyframes=keyframes), min(index, len(keyframes) - 1)


def swapped(path: CameraPath, index: int, count: int) -> tuple[CameraPath, int]:
    """The path with a keyframe moved `count` places later (earlier if negative), and its position."""
    place = min(max(index + count, 0), len(path.keyframes) - 1)
    keyframes = list(path.keyframes)
    keyframes.insert(place, keyframes.pop(index))
    return replace(path, keyframes=tuple(keyframes)), place


def with_keyframe(path: CameraPath, index: int, **changes: object) -> CameraPath:
    """The path with fields of one keyframe changed."""
    changed = replace(path.keyframes[index], **changes)  # pyright: ignore[reportArgumentType]
    return replace(path, keyframes=(*path.keyframes[:index], changed, *path.keyframes[index + 1 :]))


def nearest(path: CameraPath, time: float, chosen: int) -> int:
    """Position of the keyframe nearest to a time of the scene, of equals the chosen one or else the last; -1: none."""
    indices = range(len(path.keyframes))
    return min(indices, key=lambda i: (abs(path.keyframes[i].time - time), i != chosen, -i), default=-1)
