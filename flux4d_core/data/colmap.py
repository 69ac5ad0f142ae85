"""A folder that COLMAP has reconstructed, as a log.

    <folder>/sparse/0/{cameras,images,points3D}.{bin,txt}      images/<name>      masks/<name>.png      times.txt

Also read: the model in sparse/ or in the folder itself; images in input/, rgb/, or beside the model; several models
(sparse/0, sparse/1, ...), of which `LogChoice.name` picks one by its number. masks/ (black is not used) is as COLMAP
itself has it: an image's whole name with .png behind it; a mask of the image's own name is taken too.

COLMAP knows no times. A file times.txt beside the images' folder may give them: lines of an image's name and its
seconds, the name as in images.txt. Without, and for all else that such a folder does not say, see `posed_images`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.colmap_model import ColmapImage, model_files, read_cameras, read_images, read_points
from flux4d_core.data.files import inside, read_text
from flux4d_core.data.log import Log
from flux4d_core.data.posed_images import PosedImage, log_of_images
from flux4d_core.data.poses import FARTHEST
from flux4d_core.errors import LogError

LOOKS_FOR = "a COLMAP folder (with sparse/0/cameras.bin or .txt)"

_IMAGE_FOLDERS = ("images", "input", "rgb", "image", "")


def recognises(path: Path) -> bool:
    """Whether this is a folder with sparse models in sparse/, or a model itself."""
    try:
        return bool(_models(path))
    except (OSError, ValueError):
        return False


def list_logs(path: Path) -> tuple[str, ...]:
    """The folder's name; or the numbers of its models, if there are several."""
    return tuple(_models(path))


def open_colmap(path: Path, choice: LogChoice) -> Log:
    """Open a folder with a sparse model and its images; raises LogError."""
    no_labels_outside(choice, "a COLMAP folder")
    model = pick(path, _models(path), choice.name, "one COLMAP model")
    files = model_files(model)
    if files is None:
        raise LogError(f"{model}: expected COLMAP's cameras and images, found none")
    cameras, images = read_cameras(files["cameras"]), read_images(files["images"])
    if not images:
        raise LogError(f"{files['images']}: expected images with poses, found none")
    folder, root = _image_folder(model, images[0])
    times, notes = _times(root, images)
    posed = []
    for image in images:
        if image.camera_id not in cameras:
            raise LogError(
                f"{files['images']}: image {image.name[:60]} is of camera {image.camera_id}, which "
                f"{files['cameras'].name} does not hold"
            )
        camera = cameras[image.camera_id]
        posed.append(
            PosedImage(
                name=image.name,
                path=inside(folder, image.name, files["images"]),
                camera_to_global=image.camera_to_world,
                lens=camera.lens,
                width=camera.width,
                height=camera.height,
                time=times.get(image.name),
                mask=_mask(root, image.name, files["images"]),
            )
        )
    points, added = _points(files.get("points3D"))
    return log_of_images(root, "COLMAP", posed, points, [*notes, *added])


def _models(path: Path) -> dict[str, Path]:
    """Folders with a model, by name."""
    for folder in (path / "sparse", path):
        if model_files(folder) is not None:
            return {path.resolve().name: folder}
    numbered = {
        folder.name: folder for folder in sorted((path / "sparse").glob("*")) if model_files(folder) is not None
    }
    return {path.resolve().name: next(iter(numbered.values()))} if len(numbered) == 1 else numbered


def _image_folder(model: Path, image: ColmapImage) -> tuple[Path, Path]:
    """The folder that images' names are relative to, and the folder of the whole; found by one image."""
    for root in (model, *model.resolve().parents[:2]):
        for name in _IMAGE_FOLDERS:
            folder = root / name
            if _is_file(inside(folder, image.name, model)):
                return folder, root
    looked = ", ".join(name for name in _IMAGE_FOLDERS if name)
    raise LogError(f"{model}: the image {image.name[:60]} is missing; looked beside the model in {looked}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _times(root: Path, images: list[ColmapImage]) -> tuple[dict[str, float], list[str]]:
    """Seconds by image, if there is a file of them; and what is wrong with it."""
    file = root / "times.txt"
    if not file.exists():
        return {}, []
    times = {}
    try:
        for line in read_text(file, "the images' times").splitlines():
            name, _, seconds = line.strip().rpartition(" ")
            if not line.strip() or line.startswith("#"):
                continue
            try:
                times[name.strip()] = float(seconds)
            except ValueError as error:
                raise LogError(f"{file}: expected lines of an image's name and seconds, found '{line[:60]}'") from error
    except LogError as problem:
        return {}, [f"Times are left out: {problem}."]
    missing = [image.name for image in images if not abs(times.get(image.name, np.inf)) < np.inf]
    if missing:
        return {}, [f"Times are left out: {file} has none for {len(missing)} images, as {missing[0][:60]}."]
    return times, []


def _mask(root: Path, name: str, source: Path) -> Path | None:
    for candidate in (f"{name}.png", name, Path(name).with_suffix(".png").as_posix()):
        path = inside(root / "masks", candidate, source)
        if _is_file(path):
            return path
    return None


def _points(path: Path | None) -> tuple[Float64[ndarray, "points 3"], list[str]]:
    if path is None:
        return np.zeros((0, 3)), []
    try:
        points = read_points(path)
    except LogError as problem:
        return np.zeros((0, 3)), [f"The points are left out: {problem}."]
    return points[(np.abs(points) < FARTHEST).all(-1)], []
