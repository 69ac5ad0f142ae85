from pathlib import Path

import pytest
from numba.core import config

from flux4d_core.rendering.cpu import jit, tiles


def test_an_installation_that_can_be_written_to_keeps_its_own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(jit, "_is_writable", lambda _: True)
    assert jit.choose_cache_folder() == Path(jit.__file__).parent / "__pycache__"


def test_a_folder_named_by_the_user_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert jit.choose_cache_folder() == tmp_path


def test_a_read_only_installation_uses_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jit, "_is_writable", lambda folder: tmp_path in folder.parents)
    assert jit.choose_cache_folder() == tmp_path / "flux4d_core"


def test_without_any_writable_folder_a_private_one_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(jit, "_is_writable", lambda _: False)
    folder = jit.choose_cache_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0


def test_a_change_in_any_source_asks_for_new_kernels(tmp_path: Path) -> None:
    sources = [tmp_path / "a.py", tmp_path / "b.py"]
    for source in sources:
        source.write_text("one = 1\n")
    before = jit.fingerprint(sources)
    assert jit.fingerprint(reversed(sources)) == before
    sources[1].write_text("one = 2\n")
    assert jit.fingerprint(sources) != before


def test_other_users_of_numba_keep_their_cache() -> None:
    assert "kernels-" in tiles._count_all.stats.cache_path
    assert "kernels-" not in str(config.CACHE_DIR)  # pyright: ignore[reportAttributeAccessIssue]
