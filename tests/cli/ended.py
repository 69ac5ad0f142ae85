"""How a run of `flux4d` ended."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """Exit code, and what was printed."""

    code: int
    out: str
    err: str

    def is_refusal(self, *words: str) -> bool:
        """Exit code 2, nothing on stdout, and one sentence on stderr that has all these words."""
        one_sentence = self.err.startswith("flux4d: ") and self.err.count("\n") == 1 and self.err.endswith("\n")
        return self.code == 2 and self.out == "" and one_sentence and all(word in self.err for word in words)


Flux4d = Callable[..., Ended]
"""Runs `flux4d` with arguments of any type, in this process."""
