"""A small reverse proxy in front of viser, on a thread of its own.

It serves one page and one websocket, both below the token. No path of a request reaches viser or the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from flux4d_core.errors import Flux4dError
from flux4d_viewer.web.door import Door
from flux4d_viewer.web.lock import KEY_HEADER
from flux4d_viewer.web.page import page

if TYPE_CHECKING:
    Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse[bool]

LARGEST_MESSAGE = 64 * 2**20
"""Bytes of one message of a page: an upload's part has half a megabyte, a picture of the page some megabytes."""
HEARTBEAT = 60.0
"""A page that gives no sign of life for one and a half times this long is let go (s)."""
PORTS_TRIED = 1000
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Proxy:
    """Listens where the user wants the page, and relays its websocket to viser on this machine."""

    def __init__(self, host: str, port: int, viser_port: int, key: str, door: Door) -> None:
        """Start to serve on `host`, at `port` or the next free one (0: any).

        Raises:
            Flux4dError: the address cannot be used.
        """
        self._upstream, self._key, self._door = f"ws://127.0.0.1:{viser_port}", key, door
        self._page = gzip.compress(page())
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Let all pages go and stop serving."""
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        application = web.Application(middlewares=[self._guard])
        token = self._door.token
        application.router.add_get(f"/{token}", self._come_in)
        application.router.add_get(f"/{token}/", self._send_page)
        application.router.add_get(f"/{token}/at/{{link:.*}}", self._send_page)
        runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        async with aiohttp.ClientSession() as self._session:
            await web.SockSite(runner, self._socket).start()
            self._ready.set()
            await self._ended.wait()
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = request.headers
        refusal = self._door.refusal(request.path, headers.getall("Host", []), headers.getall("Origin", []))
        if refusal is not None:
            return web.Response(status=403, text=refusal + "\n", headers=_HEADERS)
        return await handler(request)

    async def _come_in(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._relay(request)
        raise web.HTTPFound(f"/{self._door.token}/", headers=_HEADERS)

    async def _send_page(self, request: web.Request) -> web.StreamResponse:
        is_zipped = "gzip" in request.headers.get("Accept-Encoding", "")
        body = self._page if is_zipped else gzip.decompress(self._page)
        headers = _HEADERS | ({"Content-Encoding": "gzip"} if is_zipped else {})
        return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        """Pass messages on, both ways, until one side ends."""
        protocols = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        outer = web.WebSocketResponse(
            protocols=protocols, max_msg_size=LARGEST_MESSAGE, compress=False, heartbeat=HEARTBEAT
        )
        try:
            inner = await self._session.ws_connect(
                self._upstream, protocols=protocols, headers={KEY_HEADER: self._key}, max_msg_size=0, compress=0
            )
        except (aiohttp.ClientError, OSError):
            return web.Response(status=503, text="The viewer is stopping.\n", headers=_HEADERS)
        async with inner:
            await outer.prepare(request)
            pumps = [asyncio.create_task(_pump(outer, inner)), asyncio.create_task(_pump(inner, outer))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                code = inner.close_code or 1000
                await outer.close(code=code if 1000 <= code < 5000 and code not in (1005, 1006) else 1011)
        return outer


async def _pump(source: Socket, target: Socket) -> None:
    """Pass on what comes, no faster than it is taken: viser drops what a slow page has no time for."""
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for message in source:
            if message.type is aiohttp.WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await target.send_str(message.data)


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket at `port` or the first free one after it."""
    if not 0 <= port <= 65535:
        raise Flux4dError(f"--port {port}: expected a number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except OSError as error:
        raise Flux4dError(f"--host {host}: this machine cannot serve there ({error}); leave --host out") from error
    for attempt in range(port, min(port + PORTS_TRIED, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere this would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, attempt))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise Flux4dError(f"--port {port}: neither this port nor one of the {PORTS_TRIED} after it is free")
