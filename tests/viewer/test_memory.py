"""Free memory goes back to the system, where the C library can do that."""

import ctypes
from types import SimpleNamespace

import pytest

from flux4d_viewer.memory import Memory


def test_free_memory_is_given_back_but_not_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(malloc_trim=asked.append))
    memory = Memory()
    assert memory.give_back()
    assert not memory.give_back()
    assert asked == [0]


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    assert not Memory().give_back()
