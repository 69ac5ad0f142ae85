"""How the CPU kernels are compiled: once per machine, then read from a cache on disk."""

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import config

from flux4d_core import __name__ as PACKAGE
from flux4d_core.rendering import layers


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in `folder`, or in the nearest of its parents that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def fingerprint(sources: Iterable[Path]) -> str:
    """Sixteen letters that change with any of the files."""
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


def choose_cache_folder() -> Path:
    """Where compiled kernels go: `__pycache__` beside this file, or the folder in NUMBA_CACHE_DIR.

    In an installation that cannot be written to, the user's cache folder; where there is none, a new private folder,
    deleted when the process ends. The cache holds pickles, so it is never a folder that others can write to.
    """
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    beside = Path(__file__).parent / "__pycache__"
    if _is_writable(beside):
        return beside
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / PACKAGE
    if _is_writable(user_cache):
        return user_cache
    private = Path(tempfile.mkdtemp(prefix=f"{PACKAGE}-"))
    atexit.register(shutil.rmtree, private, ignore_errors=True)
    return private


# Kernels are compiled together with the functions they call from other files, but numba looks for changes only in
# their own: hence a folder for every state of the sources.
_SOURCES = [*Path(__file__).parent.glob("*.py"), Path(layers.__file__)]
_FOLDER = choose_cache_folder() / f"kernels-{fingerprint(_SOURCES)}"

# Every licence that lets loops become vector instructions, but never "no NaNs" or "no infinities": the kernels reject
# broken Gaussians by comparing with NaN. `nogil` lets a server answer while a picture is drawn.
_OPTIONS: dict[str, Any] = {
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
    "cache": True,
}


def _compiled(function: Callable, in_parallel: bool) -> Any:
    """`function` under numba with our cache; other users of numba in this process keep theirs."""
    others = config.CACHE_DIR  # pyright: ignore[reportAttributeAccessIssue]
    config.CACHE_DIR = str(_FOLDER)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        return njit(parallel=in_parallel, **_OPTIONS)(function)
    finally:
        config.CACHE_DIR = others  # pyright: ignore[reportAttributeAccessIssue]


def serial(function: Callable) -> Any:
    """For what runs inside one thread: the compiler inlines it into the kernels that call it."""
    return _compiled(function, in_parallel=False)


def parallel(function: Callable) -> Any:
    """For kernels: `prange` shares the work out over the threads."""
    return _compiled(function, in_parallel=True)
