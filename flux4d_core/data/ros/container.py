"""Opens a recording: which files belong to it, and which container they are."""

from __future__ import annotations

from pathlib import Path, PurePath

from flux4d_core.data.files import inside, read_text
from flux4d_core.data.ros.bag import BagFile
from flux4d_core.data.ros.mcap import McapFile
from flux4d_core.data.ros.recording import Part, Recording, join, one_sentence
from flux4d_core.data.ros.sqlite import SqliteFile
from flux4d_core.errors import LogError

SUFFIXES = (".mcap", ".db3", ".bag")
METADATA = "metadata.yaml"
_KINDS = {".mcap": "MCAP", ".db3": "Rosbag2", ".bag": "ROS 1 bag"}
_PACKED = (".zstd", ".zst")


def open_recording(path: Path) -> Recording:
    """Index a recording: a Rosbag2 folder, or one .mcap, .db3 or .bag file; raises LogError."""
    if not path.is_dir():
        return join(path, _KINDS.get(path.suffix.lower(), "recording"), (_part(path, False),), ())
    files, compressed, notes = _files(path)
    return join(path, "Rosbag2", tuple(_part(file, compressed) for file in files), notes)


def _part(path: Path, compressed: bool) -> Part:
    match path.suffix.lower():
        case ".mcap":
            return McapFile(path)
        case ".db3":
            return SqliteFile(path, compressed)
        case ".bag":
            try:
                return BagFile(path)
            except ModuleNotFoundError as problem:
                raise missing_package(path, problem) from None
        case suffix if suffix in _PACKED:
            raise LogError(
                f"{path}: the recording is packed as a whole; unpack it with 'zstd -d {path.name}' "
                f"and open the file that comes out"
            )
        case _:
            raise LogError(f"{path}: expected a recording of ROS ({', '.join(SUFFIXES)})")


def missing_package(path: Path, problem: ModuleNotFoundError) -> LogError:
    """What to say where the extra packages are not installed."""
    return LogError(f"{path}: reading it needs the package {problem.name}: pip install 'flux4d[logs]'")


def _files(folder: Path) -> tuple[list[Path], bool, tuple[str, ...]]:
    """The folder's files in their order, whether each message is packed, and what is odd.

    Without a readable metadata.yaml (a recorder that was killed writes none) all files of the folder count.
    """
    try:
        names, compressed = _metadata(folder / METADATA)
        files = [inside(folder, name, folder / METADATA) for name in names]
        if missing := [file.name for file in files if not file.is_file()]:
            raise LogError(f"{folder / METADATA}: speaks of {missing[0]}, which is missing")
        return files, compressed, ()
    except LogError as problem:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".mcap", ".db3"))
        if not files:
            raise
        note = f"All {len(files)} recordings in the folder are read as one: {problem}."
        return files, False, (note,)


def _metadata(path: Path) -> tuple[list[str], bool]:
    """Names of the files, and whether each message is packed with zstd."""
    text = read_text(path, "the description of the recording")
    try:
        from ruamel.yaml import YAML
    except ModuleNotFoundError as problem:
        raise missing_package(path, problem) from None
    expected = "is not the metadata.yaml of a Rosbag2 recording"
    with one_sentence(str(path), expected):
        if len(text) > 2**22:
            raise LogError(f"{path}: {len(text) / 2**20:.0f} MiB are more than a description of a recording has")
        about = YAML(typ="safe", pure=True).load(text)["rosbag2_bagfile_information"]
        names = [PurePath(str(name)).name for name in about["relative_file_paths"]]
        mode = str(about.get("compression_mode") or "none").lower()
        if not names:
            raise LogError(f"{path}: names no files")
        return names, mode == "message"
