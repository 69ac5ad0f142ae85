"""The topics of a recording for a person to look at: a table of them, and a mapping file to edit."""

from __future__ import annotations

from pathlib import Path

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.ros.container import open_recording
from flux4d_core.data.ros.mapping import write_mapping
from flux4d_core.data.ros.open import chosen_recording, examine, guessed_roles
from flux4d_core.data.ros.recording import Recording
from flux4d_core.data.ros.roles import Roles, role_of
from flux4d_core.errors import LogError


def describe_topics(path: Path, choice: LogChoice) -> str:
    """A table of the recording's topics: type, messages, and what each is used for. Raises LogError.

    Of a recording that makes no log (no poses, say) the table tells what the topics would be used for.
    """
    recording, roles, source = _examined(path, choice)
    topics = sorted(recording.topics.values(), key=lambda topic: topic.name)
    rows = [("topic", "type", "messages", "role")]
    rows += [(t.name, t.type, str(len(t.received_ns)), role_of(t, roles, source)) for t in topics]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join([*(row[i].ljust(widths[i]) for i in range(3)), row[3]]).rstrip() for row in rows)


def save_mapping(path: Path, choice: LogChoice, target: Path) -> None:
    """Write what the topics are taken for to a file that can be edited and given back; raises LogError."""
    write_mapping(target, _examined(path, choice)[1])


def _examined(path: Path, choice: LogChoice) -> tuple[Recording, Roles, str]:
    """The recording, the roles of its topics as far as they can be found out, and where poses come from."""
    try:
        examined = examine(path, choice)
    except LogError:
        recording = open_recording(chosen_recording(path, choice))
        return recording, guessed_roles(recording), "tf"
    poses = examined.ego.role
    return examined.recording, examined.roles, poses.topic or str(poses.source)
