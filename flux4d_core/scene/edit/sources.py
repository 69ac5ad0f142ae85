"""Where inserted actors come from: files that lie beside the edits, by name alone."""

from __future__ import annotations


def check_name(name: str) -> None:
    """Refuse what is more than the plain name of a file.

    Raises:
        ValueError: it could lead out of its folder, or no file can be called so everywhere.
    """
    if not name or name in (".", "..") or any(c in '/\\:*?"<>|' or ord(c) < 32 for c in name):
        raise ValueError(f"expected the name of a file that lies beside the edits, found {name[:40]!r}")
