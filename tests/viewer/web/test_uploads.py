"""What a page may upload, by the messages that it sends."""

from collections.abc import Iterator
from typing import Any

import pytest
import viser
from viser._messages import FileTransferPart, FileTransferStartUpload

from flux4d_viewer.server import start_server, stop_server
from flux4d_viewer.web.uploads import LARGEST_UPLOAD, is_acceptable


@pytest.fixture
def server() -> Iterator[viser.ViserServer]:
    running = start_server("127.0.0.1", 0)
    yield running
    stop_server(running)


def send(server: viser.ViserServer, client: int, message: Any) -> None:
    for handle in server._websock_server._incoming_handlers[type(message)]:
        handle(client, message)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("name", "size", "parts", "expected"),
    [
        ("path.json", 1000, 1, True),
        ("car.GLB", LARGEST_UPLOAD, 1024, True),
        ("car.glb", LARGEST_UPLOAD + 1, 1024, False),
        ("car.glb", 1000, 10**9, False),
        ("car.glb", -1, 1, False),
        ("run.exe", 10, 1, False),
        ("json", 10, 1, False),
    ],
)
def test_files_are_taken_by_size_and_kind(name: str, size: int, parts: int, expected: bool) -> None:
    assert is_acceptable(name, size, parts) is expected


def test_an_upload_that_sends_more_than_it_said_is_dropped(server: viser.ViserServer) -> None:
    button = server.gui.add_upload_button("Open")
    uuid = button._impl.uuid
    send(server, 1, FileTransferStartUpload(uuid, "t", "path.json", "application/json", 3, 20))
    states = server.gui._current_file_upload_states
    assert set(states) == {"t"}
    send(server, 2, FileTransferPart(uuid, "t", 0, b"not mine"))
    assert states["t"]["transferred_bytes"] == 0
    send(server, 1, FileTransferPart(uuid, "t", 0, b"0123456789"))
    assert states["t"]["transferred_bytes"] == 10
    send(server, 1, FileTransferPart(uuid, "t", 1, b"0123456789a"))
    assert not states


def test_a_file_of_an_unknown_kind_never_starts(server: viser.ViserServer) -> None:
    uuid = server.gui.add_upload_button("Open")._impl.uuid
    send(server, 1, FileTransferStartUpload(uuid, "t", "run.exe", "application/json", 1, 20))
    assert not server.gui._current_file_upload_states
