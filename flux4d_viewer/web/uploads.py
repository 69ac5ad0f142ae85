"""Limits on what a page may upload: how much, and of which kinds."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import viser
import viser._messages as messages

LARGEST_UPLOAD = 512 * 2**20
"""Bytes of one file."""
MOST_UPLOADS = 4
"""At once."""
MOST_PARTS = 2048
"""Parts of one file; the page sends half a megabyte in each."""
KINDS = (".json", ".txt", ".csv", ".glb", ".gltf", ".obj", ".ply", ".f4d", ".f4d-actor")
"""How the names of files end that some part of the viewer reads."""


def limit_uploads(server: viser.ViserServer) -> None:
    """Drop uploads that are too large, of no kind that is read, or that send more than they said.

    viser keeps every part of an upload in memory and looks at none of this.
    """
    _limit(server.gui)
    server.on_client_connect(lambda client: _limit(client.gui))


def _limit(gui: viser.GuiApi) -> None:
    uploads, handlers = gui._current_file_upload_states, gui._websock_interface._incoming_handlers
    (start,), (part,) = handlers[messages.FileTransferStartUpload], handlers[messages.FileTransferPart]

    def start_checked(client_id: Any, message: Any) -> Any:
        if is_acceptable(message.filename, message.size_bytes, message.part_count) and len(uploads) < MOST_UPLOADS:
            return start(client_id, message)
        return None

    def part_checked(client_id: Any, message: Any) -> Any:
        upload = uploads.get(message.transfer_uuid)
        if upload is None or upload["client_id"] != client_id:
            return None
        if upload["transferred_bytes"] + len(message.content) > upload["total_bytes"]:
            return uploads.pop(message.transfer_uuid, None)
        return part(client_id, message)

    handlers[messages.FileTransferStartUpload] = [start_checked]
    handlers[messages.FileTransferPart] = [part_checked]


def is_acceptable(name: str, size: int, parts: int) -> bool:
    """Whether a file of this name may be sent in so many bytes and parts."""
    suffix = PurePath(name).suffix.lower()
    return suffix in KINDS and 0 <= size <= LARGEST_UPLOAD and 0 <= parts <= MOST_PARTS
