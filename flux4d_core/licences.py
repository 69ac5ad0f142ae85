"""Under which terms data and weights may be shared: free ones are told from restricted and unknown ones, and added up.

Terms are plain words, as their owner gives them: "Apache-2.0", "CC BY-NC-SA 3.0". Several stand side by side, joined
by `AND`. This knows names, not law: whatever it does not know counts as restricted.
"""

import re
from collections.abc import Iterable

UNKNOWN = "unknown: as its owner allows"
"""The terms of data that says nothing about its terms."""
OWN = "Apache-2.0"
"""The terms of what flux4d makes by itself: simulated streets, and weights that saw nothing else."""
AND = " + "

_FREE = re.compile(
    r"(apache|mit|mit-0|bsd|bsd-[0123]-clause|0bsd|isc|zlib|unlicense|cc0|cc by|odc-by|public domain)"
    r"( licence)?([ -]v?[0-9]+([.][0-9]+)*)?( licence)?( universal| international)?"
)


def is_free(terms: str) -> bool:
    """Whether all of these terms let anybody share and change the work, at most for naming its author."""
    return all(_FREE.fullmatch(_plain(part)) for part in terms.split(AND))


def together(terms: Iterable[str]) -> str:
    """The terms of what is made of several works: each once, restricted ones first. Empty ones count as unknown."""
    parts = [part.strip() for several in terms for part in (several or UNKNOWN).split(AND)]
    return AND.join(sorted(dict.fromkeys(parts), key=is_free))


def _plain(part: str) -> str:
    """Small letters, one spelling of "licence" and of Creative Commons' names, without articles."""
    words = part.strip().lower().replace("license", "licence").replace("creative commons attribution", "cc by")
    words = re.sub(r"^cc-by(?=$|[ -])", "cc by", words)
    return " ".join(re.sub(r"\bthe\b|\bversion\b|,", " ", words).split())
