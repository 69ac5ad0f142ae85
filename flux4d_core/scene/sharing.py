"""What goes along with everything that is made of a scene: where it comes from, and whether it may be shared."""

import warnings
from pathlib import Path

from flux4d_core.errors import Flux4dWarning
from flux4d_core.licences import UNKNOWN, is_free
from flux4d_core.scene.scene import Provenance


class SharingWarning(Flux4dWarning):
    """What was just written must not be shared with everybody, or nobody knows."""


def describe_provenance(provenance: Provenance) -> list[str]:
    """Lines for the header of an exported file."""
    lines = [
        f"made by {provenance.software}" if provenance.software else "",
        f"log: {provenance.log}; terms: {provenance.data_licence or UNKNOWN}",
        f"method: {provenance.method}",
        f"weights: {provenance.weights}; terms: {provenance.weights_licence or UNKNOWN}" if provenance.weights else "",
    ]
    return [line for line in lines if line]


def sharing_note(provenance: Provenance) -> str:
    """One sentence for whoever is about to share what was made of a scene; empty where everybody may have it."""
    limits = []
    if not is_free(provenance.data_licence or UNKNOWN):
        limits.append(f"the log's terms are {_quoted(provenance.data_licence)}")
    if provenance.weights and not is_free(provenance.weights_licence or UNKNOWN):
        limits.append(f"the weights' terms are {_quoted(provenance.weights_licence)}")
    if not limits:
        return ""
    return f"before you share this: {' and '.join(limits)}"


def warn_of_terms(provenance: Provenance, written: Path) -> None:
    """Say so, as a `SharingWarning`, if a file that was just made of a scene is not for everybody."""
    if note := sharing_note(provenance):
        warnings.warn(SharingWarning(f"{written}: {note}"), stacklevel=2)


def _quoted(terms: str) -> str:
    return f'"{terms}"' if terms and terms != UNKNOWN else "not known, so ask their owner"
