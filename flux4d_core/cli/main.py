"""How `flux4d` runs and how it fails: bad input is one sentence on stderr and exit code 2, Ctrl-C is 130."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any, NoReturn

from flux4d_core.errors import Flux4dError, Flux4dWarning
from flux4d_core.progress import Cancelled


def main(arguments: list[str] | None = None) -> None:
    """Run `flux4d` with these arguments, or with those of the process.

    Raises:
        SystemExit: 2 for bad input and for files that cannot be read or written, 130 for Ctrl-C, 0 for `--help`.
    """
    try:
        _run(sys.argv[1:] if arguments is None else arguments)
    except Flux4dError as error:
        _end(str(error), 2)
    except OSError as error:
        _end(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error), 2)
    except MemoryError:
        _end(OUT_OF_MEMORY, 2)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # PyTorch's, which is not loaded yet
            raise
        _end(OUT_OF_MEMORY, 2)
    except (Cancelled, KeyboardInterrupt):
        _end(CANCELLED, 130)


CANCELLED = "cancelled; nothing was left half written"
OUT_OF_MEMORY = "the memory of this machine is not enough; take a shorter --duration, fewer --cameras or --device cpu"


def _run(arguments: list[str]) -> None:
    with _ctrl_c_ends_at_once():  # PyTorch takes seconds to load
        from flux4d_core.cli.arguments import parse

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries tell developers
        warnings.simplefilter("always", Flux4dWarning)
        warnings.showwarning = _one_line_each()
        parse(arguments)()


def _end(sentence: str, code: int) -> NoReturn:
    print(f"flux4d: {' '.join(sentence.split())}", file=sys.stderr)
    sys.exit(code)


@contextmanager
def _ctrl_c_ends_at_once() -> Iterator[None]:
    """An exception in the midst of loading libraries would come out of them as anything, or not at all."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or current_thread() is not main_thread():
        yield
        return

    def leave(*_: object) -> NoReturn:
        os.write(2, f"flux4d: {CANCELLED}\n".encode())
        os._exit(130)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _one_line_each() -> Callable[..., None]:
    """Warnings are for people here: the sentence, without file and line, and once."""
    said: set[str] = set()

    def show(message: Warning | str, *_: Any) -> None:
        if str(message) not in said:
            said.add(str(message))
            print(f"flux4d: {message}", file=sys.stderr)

    return show
