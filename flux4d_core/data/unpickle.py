"""Pickles from strangers, read without running anything.

A pickle is a program: it names functions and classes, and has them called. Python's own reader does that; this one
only writes down what would be called with what (`Made`), for names that the caller allows, and refuses every other
name before going on. What comes out are plain values (numbers, texts, bytes, lists, tuples, dicts), `Name` and `Made`.

Only the binary opcodes of protocols 2 to 5 that tables use are known (pickletools documents them all); persistent
identifiers, extension codes, out-of-band buffers and the text opcodes of protocol 0 are refused.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flux4d_core.errors import LogError


@dataclass(frozen=True)
class Name:
    """A function or a class that the pickle names; nothing is imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """What calling `maker` with `args` and then setting `state` would have given."""

    maker: Name
    args: tuple[object, ...]
    state: object = None


class _Refused(Exception):
    """The pickle wants something that is not allowed; the message says what, for the user."""


_BROKEN_PICKLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    EOFError,
    struct.error,
)


def read_pickle(content: bytes, allowed: frozenset[Name], path: Path, what: str) -> object:
    """The value that a pickle describes, with nothing of it run or imported.

    Raises LogError, naming `path` and `what` it should have been, if the pickle is broken, or names anything that is
    not in `allowed`.
    """
    machine = _Machine(allowed)
    try:
        return machine.run(content)
    except _Refused as problem:
        raise LogError(
            f"{path}: {what} is a pickle with {problem}, which could run code, so it is not opened; "
            "expected a table of plain numbers and texts"
        ) from None
    except _BROKEN_PICKLE as problem:
        raise LogError(f"{path}: {what} is not a readable pickle ({problem})") from None


class _Machine:
    """A stack, as the opcodes of a pickle expect it."""

    def __init__(self, allowed: frozenset[Name]) -> None:
        self._allowed = allowed
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def run(self, content: bytes) -> object:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                break
            if opcode.name in _PLAIN:
                self._stack.append(argument)
            elif opcode.name in _ACTIONS:
                _ACTIONS[opcode.name](self, argument)
            elif opcode.name not in _NO_EFFECT:
                raise _Refused(f"the opcode {opcode.name}")
        (result,) = self._stack
        return result

    def push(self, value: object) -> None:
        self._stack.append(value)

    def pop(self) -> object:
        if self._marks and len(self._stack) == self._marks[-1]:
            raise ValueError("the stack is empty")
        return self._stack.pop()

    def pop_since_mark(self) -> list[object]:
        mark = self._marks.pop()
        values = self._stack[mark:]
        del self._stack[mark:]
        return values

    def mark(self, _: object) -> None:
        self._marks.append(len(self._stack))

    def top(self) -> object:
        return self._stack[-1]

    def tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(values)))

    def memoize(self, place: object) -> None:
        self._memo[len(self._memo) if place is None else _integer(place)] = self.top()

    def recall(self, place: object) -> None:
        self.push(self._memo[_integer(place)])

    def append(self, values: list[object]) -> None:
        target = self.top()
        if not isinstance(target, list):
            raise ValueError("something is appended to what is not a list")
        target.extend(values)

    def set_items(self, values: list[object]) -> None:
        target = self.top()
        if not isinstance(target, dict) or len(values) % 2:
            raise ValueError("an item is set in what is not a dict")
        target.update(zip(values[::2], values[1::2], strict=True))

    def name_global(self, module: object, name: object) -> None:
        wanted = Name(_text(module), _text(name))
        if wanted not in self._allowed:
            raise _Refused(f"a call of {str(wanted)[:80]!r}")
        self.push(wanted)

    def make(self) -> None:
        args, maker = self.pop(), self.pop()
        if not isinstance(maker, Name) or not isinstance(args, tuple):
            raise _Refused("a call of what is not a name")
        self.push(Made(maker, args))

    def build(self) -> None:
        state, target = self.pop(), self.top()
        if not isinstance(target, Made):
            raise ValueError("a state is set in what was not made")
        target.state = state


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("expected an integer")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    return value


def _stack_global(machine: _Machine, _: object) -> None:
    name, module = machine.pop(), machine.pop()
    machine.name_global(module, name)


def _global(machine: _Machine, argument: object) -> None:
    # pickletools joins module and name with a space.
    module, _, name = _text(argument).partition(" ")
    machine.name_global(module, name)


def _set_item(machine: _Machine, _: object) -> None:
    value, key = machine.pop(), machine.pop()
    machine.set_items([key, value])


def _dict(machine: _Machine, _: object) -> None:
    values = machine.pop_since_mark()
    machine.push({})
    machine.set_items(values)


_NO_EFFECT = frozenset({"PROTO", "FRAME"})
_PLAIN = frozenset(
    {
        *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
        *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINSTRING", "BINSTRING"),
        *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_ACTIONS: dict[str, Callable[[_Machine, object], None]] = {
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": _Machine.mark,
    "POP": lambda machine, _: (machine.pop(), None)[1],
    "POP_MARK": lambda machine, _: (machine.pop_since_mark(), None)[1],
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_since_mark())),
    "LIST": lambda machine, _: machine.push(machine.pop_since_mark()),
    "DICT": _dict,
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_since_mark()),
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_since_mark()),
    "MEMOIZE": _Machine.memoize,
    "BINPUT": _Machine.memoize,
    "LONG_BINPUT": _Machine.memoize,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda machine, _: machine.make(),
    "NEWOBJ": lambda machine, _: machine.make(),
    "BUILD": lambda machine, _: machine.build(),
}
