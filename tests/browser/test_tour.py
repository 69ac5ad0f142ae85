"""A tour of the viewer as a person makes it: look, change a car, keep it, film it, and find all that in the films."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from eye import Eye
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from small_drive import SmallDrive, reconstruct
from tour import Tour

from flux4d_core.geometry import project
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.edits_file import read_edits
from flux4d_core.scene.edit.operations import Edits, Move, Remove
from flux4d_core.scene.film import Film
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_core.types import Camera
from flux4d_viewer.demo import demo_log
from flux4d_viewer.jobs.opening import OpenSceneFile

KITTI = Path(__file__).parents[3] / "shared/logs/kitti_raw/2011_09_26/2011_09_26_drive_0013_sync"
DRIVES = (
    pytest.param(SmallDrive(demo_log(), "front", 2, (17.3, -3.2), 0.3, 3.0), id="demo"),
    pytest.param(
        SmallDrive(KITTI, "image_02", 3, (11.5, -3.4), 0.4, 3.0),
        id="kitti",
        marks=pytest.mark.skipif(not KITTI.is_dir(), reason="needs the KITTI drive 2011_09_26_drive_0013 in ../shared"),
    ),
)


@dataclass(frozen=True)
class Films:
    """What was exported of one camera path, picture by picture."""

    path: Film
    before: list[UInt8[ndarray, "h w 3"]]
    removed: list[UInt8[ndarray, "h w 3"]]
    moved: list[UInt8[ndarray, "h w 3"]]
    video: UInt8[ndarray, "n h w 3"]
    """Of the moved car."""
    removal: Edits
    move: Edits


@pytest.fixture(scope="module", params=DRIVES)
def tour(
    request: pytest.FixtureRequest, open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory
) -> Tour:
    path = tmp_path_factory.mktemp("scene") / "drive.f4d"
    write_scene(reconstruct(request.param), path)
    scene = read_scene(path)  # the file rounds numbers
    eye = open_viewer(OpenSceneFile(path), renderer="gpu")
    eye.wait_until(lambda: eye.viewer.store.state.staged is not None, "the scene and its actors")
    places = [actor.pose_at(request.param.time)[:2, 3].numpy() for actor in scene.grouping.actors]
    car = int(np.argmin([np.hypot(*(place - request.param.car)) for place in places]))
    assert np.hypot(*(places[car] - request.param.car)) < 2
    return Tour(eye, request.param, scene, car)


@pytest.fixture(scope="module")
def films(tour: Tour) -> Films:
    """The whole tour, once."""
    scrub(tour)
    toggle(tour)
    set_keyframes(tour)
    before = tour.export("PNG pictures")
    removal = remove(tour)
    removed = tour.export("PNG pictures")
    undo(tour, removal)
    move = carry(tour)
    save_and_reload(tour)
    play(tour)
    video, moved = tour.export("MP4 video"), tour.export("PNG pictures")
    path = film(tour.eye.viewer.store.state.path)
    return Films(
        path, stills(before), stills(removed), stills(moved), iio.imread(video, plugin="FFMPEG"), removal, move
    )


def stills(folder: Path) -> list[UInt8[ndarray, "h w 3"]]:
    return [iio.imread(path) for path in sorted(folder.glob("*.png"))]


def scrub(tour: Tour) -> None:
    """By mouse along the slider, by keys from frame to frame."""
    clock = tour.eye.viewer.clock
    track = tour.eye.page.locator(".mantine-Slider-track").last.bounding_box()
    row = track["y"] + track["height"] / 2
    tour.drag((row, track["x"] + 2), (row, track["x"] + 0.2 * track["width"]))
    tour.wait(lambda: abs(clock.playhead.time - 0.2 * clock.playhead.limit) < 0.03, "the playhead to follow the mouse")
    tour.leave_the_panel()
    for key, wanted in (("Home", 0.0), ("l", 0.1), ("l", 0.2), ("j", 0.1), ("End", 0.5)):
        tour.press(key)
        tour.wait(lambda wanted=wanted: abs(clock.playhead.time - wanted) < 0.06, f"the key {key}")


def toggle(tour: Tour) -> None:
    """What is shown and what colours say; the car is there, or not."""
    tour.look_through_the_camera(tour.drive.time)
    car, nothing = tour.covered(Edits()), Edits()
    assert car.sum() > 1000
    tour.wait_for(nothing, car)
    real = tour.eye.shot()[car].astype(int)

    def differs() -> bool:
        return bool(np.abs(tour.eye.shot()[car] - real).mean() > 12)

    tour.press("x")
    tour.wait(lambda: tour.eye.viewer.store.state.view.show == "static" and differs(), "the car to go")
    tour.press("x")
    tour.wait(lambda: tour.eye.viewer.store.state.view.show == "dynamic" and not differs(), "the car alone")
    tour.tab("View")
    tour.choose("Show", "Everything")
    tour.choose("Colour by", "Speed")
    tour.wait(lambda: tour.eye.viewer.store.state.view.color == "speed" and differs(), "colours by speed")
    tour.choose("Colour by", "Real colours")
    tour.wait_for(nothing, car)


def set_keyframes(tour: Tour) -> None:
    """Two, where the recorded camera is; ten pictures a second."""
    path = tour.eye.viewer.store
    for count, time in enumerate((tour.drive.time - 0.1, tour.drive.time)):
        tour.look_through_the_camera(time)
        tour.press("Enter")
        tour.wait(lambda count=count: len(path.state.path.keyframes) == count + 1, "the keyframe")
    tour.tab("Path")
    tour.choose("Pictures/s", "10")
    tour.wait(lambda: path.state.path.fps == 10, "the frame rate")


def select(tour: Tour) -> None:
    """By a click on the car."""
    tour.leave_the_panel()
    tour.eye.page.wait_for_timeout(800)  # that was a click as well; nobody clicks elsewhere sooner
    x, y, z = tour.place().tolist()
    row, column = tour.eye.pixel_of((x, y, z))
    tour.eye.page.mouse.click(column, row)
    tour.wait(lambda: tour.eye.viewer.store.state.editing.selected == tour.id, "the car to be selected")


def remove(tour: Tour) -> Edits:
    """Take the car out: what lies behind it is seen."""
    car = tour.covered(Edits())
    tour.tab("Actors")
    select(tour)
    tour.press("Delete")
    tour.wait(lambda: tour.edits.operations == (Remove(tour.id),), "the removal")
    tour.wait_for(tour.edits, car)
    tour.eye.page.get_by_text("Removed").wait_for(timeout=20_000)
    return tour.edits


def undo(tour: Tour, removal: Edits) -> None:
    """The car is back."""
    tour.leave_the_panel()
    tour.press("Control+z")
    tour.wait(lambda: tour.edits == Edits(), "the undoing")
    tour.wait_for(Edits(), tour.covered(Edits()))
    tour.press("Control+Shift+z")
    tour.wait(lambda: tour.edits == removal, "the redoing")
    tour.press("Control+z")
    tour.wait(lambda: tour.edits == Edits(), "the undoing")


def carry(tour: Tour) -> Edits:
    """Drag the car aside by its handles: it is where it was put."""
    tour.tab("Actors")
    select(tour)
    tour.press("g")
    tour.wait(lambda: tour.eye.viewer.store.state.editing.gizmo == "move", "the handles")
    tour.eye.page.wait_for_timeout(2000)  # until they are on the page, over the car
    x, y, z = tour.place().tolist()
    grip = 1.4 * np.sign(tour.drive.shift)
    tour.drag(tour.eye.pixel_of((x, y + grip, z)), tour.eye.pixel_of((x, y + grip + tour.drive.shift, z)))
    tour.wait(lambda: len(tour.edits.operations) == 1 and isinstance(tour.edits.operations[0], Move), "the move")
    assert tour.place()[:2] == pytest.approx([x, y + tour.drive.shift], abs=0.5)
    tour.press("Escape")
    tour.wait_for(tour.edits, tour.covered(Edits()) | tour.covered(tour.edits))
    return tour.edits


def save_and_reload(tour: Tour) -> None:
    """The edits are on the disk, and the page that is loaded again is as it was."""
    tour.tab("Actors")
    tour.button("Save edits")
    viewer, edits = tour.eye.viewer, tour.edits
    tour.wait(lambda: bool(viewer.store.state.editing.saved), "the edits file")
    assert read_edits(viewer.controls.folder / viewer.store.state.editing.saved, tour.scene) == edits
    time, keyframes = viewer.clock.playhead.time, viewer.store.state.path.keyframes
    tour.eye.reload()
    assert tour.edits == edits
    assert viewer.clock.playhead.time == time
    assert viewer.store.state.path.keyframes == keyframes
    tour.wait_for(edits, tour.covered(Edits()) | tour.covered(edits))


def play(tour: Tour) -> None:
    """The playhead runs until it is told to stop."""
    clock = tour.eye.viewer.clock
    tour.leave_the_panel()
    times: set[float] = set()
    tour.press("Space")
    tour.wait(lambda: times.add(clock.playhead.time) or len(times) > 4, "the playhead to run")
    tour.press("Space")
    tour.wait(lambda: not clock.playhead.playing, "the playhead to stop")


def test_films_have_every_picture_of_the_path(films: Films) -> None:
    count = len(films.path.cameras)
    assert count == 21  # 2 s, 10 pictures a second
    assert [len(films.before), len(films.removed), len(films.moved), len(films.video)] == [count] * 4


def test_where_the_removed_car_was_the_film_shows_what_lies_behind_it(tour: Tour, films: Films) -> None:
    for camera, before, removed in zip(films.path.cameras, films.before, films.removed, strict=True):
        car = tour.alone(Edits(), camera) > 0.9
        assert car.sum() > 100
        changed = np.abs(before.astype(int) - removed).max(-1) > 8
        assert changed[car].mean() > 0.8
        assert changed[in_box(tour, Edits(), camera, 3)].sum() > 0.9 * changed.sum()


def test_the_moved_car_is_in_the_film_where_it_was_put(tour: Tour, films: Films) -> None:
    for camera, removed, moved in zip(films.path.cameras, films.removed, films.moved, strict=True):
        changed = np.abs(moved.astype(int) - removed).max(-1) > 8
        assert changed.sum() > 100
        # the box leaves out what lies loosely around the car
        assert changed[in_box(tour, films.move, camera, 3)].sum() > 0.75 * changed.sum()
        assert changed[in_box(tour, films.move, camera, 0)].mean() > 0.4


def test_what_the_car_covers_neither_before_nor_after_is_unchanged_to_the_bit(tour: Tour, films: Films) -> None:
    for i, camera in enumerate(films.path.cameras):
        before, after = tour.alone(Edits(), camera) == 0, tour.alone(films.move, camera) == 0
        free = before & after
        assert 0.3 < free.mean() < 0.999
        assert np.array_equal(films.moved[i][free], films.before[i][free])
        assert np.array_equal(films.removed[i][before], films.before[i][before])


def test_the_video_shows_the_same_as_the_pictures(tour: Tour, films: Films) -> None:
    for i, camera in enumerate(films.path.cameras):
        car = (tour.alone(films.move, camera) > 0.9) | (tour.alone(Edits(), camera) > 0.9)
        video = films.video[i][car].astype(int)
        assert np.abs(video - films.moved[i][car]).mean() < 0.5 * np.abs(video - films.before[i][car]).mean()


def in_box(tour: Tour, edits: Edits, camera: Camera, margin: int) -> Bool[ndarray, "h w"]:
    """The pixels in the upright rectangle around the car's box in a picture, and so many around it."""
    actor = stage(tour.scene, edits).actor(tour.id)
    assert actor is not None
    signs = torch.tensor([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    pose = torch.from_numpy(actor.pose_at(camera.time)).float()
    corners = (0.5 * signs * actor.actor.size) @ pose[:3, :3].T + pose[:3, 3]
    pixels, _ = project(corners, camera.K, camera.camera_to_world)
    (left, top), (right, bottom) = pixels.amin(0).tolist(), pixels.amax(0).tolist()
    rows, columns = np.mgrid[: camera.height, : camera.width] + 0.5
    inside: Float[ndarray, "h w"] = (columns > left - margin) & (columns < right + margin)
    return inside & (rows > top - margin) & (rows < bottom + margin)
