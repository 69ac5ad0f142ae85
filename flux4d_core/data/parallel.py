"""Several files read at a time, one broken file costing only itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flux4d_core.errors import LogError
from flux4d_core.progress import Report

_T = TypeVar("_T")


def read_all(readers: Sequence[Callable[[], _T]], stage: str, report: Report) -> list[_T | LogError]:
    """What each reader returns, in order, or the LogError it raised.

    Decoding runs in C without the interpreter's lock, so threads are enough. `report` is called from this thread;
    if it raises `Cancelled`, files not yet begun are not read.
    """
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    results: list[_T | LogError] = []
    try:
        futures = [pool.submit(reader) for reader in readers]
        for future in futures:
            report(stage, len(results) / len(futures))
            try:
                results.append(future.result())
            except LogError as problem:
                results.append(problem)
    finally:
        pool.shutdown(cancel_futures=True)
    report(stage, 1.0)
    return results
