import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from flux4d_core.data.files import inside, read_npz, read_text
from flux4d_core.errors import LogError


def npz_with(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", content)


def npy(header: str, body: bytes = b"") -> bytes:
    padded = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode() + body


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.arange(3, dtype=np.int64), np.asfortranarray(np.eye(3)), np.float32(5)]
)
def test_arrays_come_back_as_numpy_wrote_them(array: np.ndarray, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", data=array)
    found = read_npz(tmp_path / "a.npz", "the scan")["data"]
    assert found.dtype == array.dtype and found.shape == np.shape(array) and (found == array).all()


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", data=np.array([{"code": 1}], dtype=object))
    with pytest.raises(LogError, match="not plain numbers"):
        read_npz(tmp_path / "evil.npz", "the scan")


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(3,)", "(99999999999999999999999, 9)"])
def test_an_array_that_claims_another_size_than_it_has_is_refused(shape: str, tmp_path: Path) -> None:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    npz_with(tmp_path / "liar.npz", npy(header, b"\0" * 16))
    with pytest.raises(LogError, match=r"liar\.npz"):
        read_npz(tmp_path / "liar.npz", "the scan")


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flux4d_core.data.files._LARGEST_ARRAYS", 1000)
    npz_with(tmp_path / "bomb.npz", b"\0" * 100_000)
    assert (tmp_path / "bomb.npz").stat().st_size < 1000
    with pytest.raises(LogError, match="would unpack to"):
        read_npz(tmp_path / "bomb.npz", "the scan")


def test_a_plain_npy_is_no_npz(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.eye(2))
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    with pytest.raises(LogError, match="not a readable"):
        read_npz(tmp_path / "a.npz", "the scan")


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret", "a/../../secret", "", "link/passwd", "x\0y", "a\nb", "9" * 300, "\ud800"]
)
def test_names_that_lead_out_of_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to("/etc")
    with pytest.raises(LogError, match=r"log\.json") as problem:
        inside(folder, name, folder / "log.json")
    assert "\n" not in str(problem.value)


def test_names_inside_the_folder_and_links_within_it_are_followed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "images")
    assert inside(tmp_path, "link/a.png", tmp_path / "log.json") == (tmp_path / "images" / "a.png").resolve()


def test_text_in_latin_1_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Größe".encode("latin-1"))
    with pytest.raises(LogError, match="is not text"):
        read_text(tmp_path / "a.txt", "the calibration")
