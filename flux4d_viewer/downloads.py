"""Files on their way to a browser: small ones at once, large ones when they are asked for, folders never."""

from __future__ import annotations

import viser

from flux4d_viewer.files import in_bytes
from flux4d_viewer.messages import Exported

SENT_AT_ONCE = 32_000_000
"""Larger files stay where they are until somebody asks (bytes)."""
MOST = 512_000_000
"""Files larger than this are not sent through the page (bytes)."""
_STAYS = 20.0
"""Notices go after this time (s)."""


def offer(server: viser.ViserServer, exported: Exported) -> None:
    """Tell the browser that asked for a file that it is there; nobody, if that browser has gone meanwhile."""
    client = server.get_clients().get(exported.client) if exported.client is not None else None
    if client is None:
        return
    if exported.path.is_file() and exported.size <= SENT_AT_ONCE:
        client.send_file_download(exported.path.name, exported.path.read_bytes())
        return
    body = f"{exported.path.name}, {in_bytes(exported.size)}. {where(exported)}"
    client.add_notification("Saved on the server", body, color="blue", auto_close_seconds=_STAYS)


def send(client: viser.ClientHandle | None, exported: Exported) -> None:
    """Send a file to a browser that asks for it now."""
    if client is None:
        return
    if not exported.path.is_file():
        client.add_notification(
            "Not sent", f"{exported.path.name} is not there any more.", color="red", auto_close_seconds=_STAYS
        )
    elif can_be_sent(exported):
        client.send_file_download(exported.path.name, exported.path.read_bytes())


def can_be_sent(exported: Exported) -> bool:
    """Whether it can come through the page."""
    return exported.size <= MOST and exported.path.is_file()


def where(exported: Exported) -> str:
    """How to get a file that was not sent."""
    if exported.path.is_dir():
        return f"A folder: {exported.path.resolve()}"
    if exported.size <= MOST:
        return "Fetch it under Files."
    return f"Too large for the page: {exported.path.resolve()}"
