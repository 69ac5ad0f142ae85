"""viser's own port, locked: it answers nobody but the proxy in front of it.

viser asks for no password and looks at no Origin, so its port must not be a way round the proxy. It is started with a
check before its own: a request without the proxy's key gets 403, be it for the page or for the websocket.
"""

from __future__ import annotations

import contextlib
import http
import io
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import viser
import websockets.asyncio.server
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from flux4d_core.errors import Flux4dError

KEY_HEADER = "X-Flux4d-Key"
REFUSED = "This port is not for browsers: open the address that flux4d-view printed.\n"

_STARTING = threading.Lock()


def start_locked(host: str, port: int, key: str) -> viser.ViserServer:
    """viser, answering only requests whose header `KEY_HEADER` is `key`.

    Raises:
        Flux4dError: the check could not be put in place.
    """
    with _STARTING, _checked(key) as put_in_place, contextlib.redirect_stdout(io.StringIO()):
        server = viser.ViserServer(host=host, port=port, verbose=False)
        if not put_in_place():
            server.stop()
            raise Flux4dError("viser started in an unknown way, so its port cannot be protected; install flux4d again")
    return server


@contextlib.contextmanager
def _checked(key: str) -> Iterator[Callable[[], bool]]:
    """While this holds, websocket servers start with the check; the value tells whether one has.

    viser offers no hook for requests, so the function that it starts its server with is replaced while it starts.
    """
    serve = websockets.asyncio.server.serve
    started: list[bool] = []

    def serve_checked(*arguments: Any, process_request: Any = None, **options: Any) -> Any:
        def check(connection: ServerConnection, request: Request) -> Response | None:
            keys = request.headers.get_all(KEY_HEADER)
            if len(keys) != 1 or not secrets.compare_digest(keys[0].encode(), key.encode()):
                return connection.respond(http.HTTPStatus.FORBIDDEN, REFUSED)
            return process_request(connection, request) if process_request is not None else None

        started.append(True)
        return serve(*arguments, process_request=check, **options)

    websockets.asyncio.server.serve = serve_checked  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield lambda: bool(started)
    finally:
        websockets.asyncio.server.serve = serve
