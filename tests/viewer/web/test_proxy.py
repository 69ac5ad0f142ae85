"""The page and its websocket through the proxy, and every way round it closed."""

import asyncio
import http.client
from collections.abc import Iterator

import aiohttp
import pytest
from own_loop import run

from flux4d_core.errors import Flux4dError
from flux4d_viewer.server import Site, serve
from flux4d_viewer.web.door import WRONG_HOST, WRONG_ORIGIN, WRONG_TOKEN
from flux4d_viewer.web.lock import REFUSED

PROTOCOL = "viser-v1.1.1"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    running = serve("127.0.0.1", 0)
    yield running
    running.stop()


def get(port: int, path: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    """Status, text and headers; the path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


async def first_message(port: int, path: str, **headers: str) -> int:
    """Bytes of the first message of a websocket; 0 minus the status if it is refused."""
    async with aiohttp.ClientSession() as session:
        try:
            url = f"http://127.0.0.1:{port}{path}"
            async with session.ws_connect(url, protocols=[PROTOCOL], headers=headers) as socket:
                return len(await socket.receive_bytes(timeout=10))
        except aiohttp.WSServerHandshakeError as error:
            return -error.status


def test_the_page_is_served_below_the_token_under_its_own_name(site: Site) -> None:
    status, text, headers = get(site.port, f"/{site.token}/")
    assert status == 200
    assert "<title>flux4d</title>" in text
    assert "viser-user:" in text
    assert headers["Referrer-Policy"] == "no-referrer"
    assert get(site.port, f"/{site.token}/at/1.25/1,2,3")[:2] == (200, text)
    assert get(site.port, f"/{site.token}")[2]["Location"] == f"/{site.token}/"


@pytest.mark.parametrize("path", ["/", "/index.html", "/favicon.ico", "/0123456789abcdef0123/", "/%2e%2e/", "//"])
def test_without_the_token_there_is_one_plain_sentence(site: Site, path: str) -> None:
    status, text, _ = get(site.port, path)
    assert (status, text) == (403, WRONG_TOKEN + "\n")


def test_no_path_below_the_token_leads_to_a_file(site: Site) -> None:
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/index.html", "/..%5c..%5cetc", "/at/../../x"):
        status, text, _ = get(site.port, f"/{site.token}{path}")
        assert status in (403, 404) or "<title>flux4d</title>" in text
        assert "root:" not in text


def test_foreign_names_and_origins_are_refused(site: Site) -> None:
    path = f"/{site.token}/"
    assert get(site.port, path, Host="evil.example")[:2] == (403, WRONG_HOST + "\n")
    assert get(site.port, path, Origin="http://evil.example")[:2] == (403, WRONG_ORIGIN + "\n")
    assert get(site.port, path, Origin=f"http://127.0.0.1:{site.port}")[0] == 200


def test_a_websocket_is_relayed_to_its_own_page_alone(site: Site) -> None:
    own = f"http://127.0.0.1:{site.port}"
    path = f"/{site.token}"
    assert run(first_message(site.port, path, Origin=own)) > 100
    assert run(first_message(site.port, path, Origin="http://evil.example")) == -403
    assert run(first_message(site.port, path, Host="evil.example")) == -403
    assert run(first_message(site.port, "/", Origin=own)) == -403
    assert run(first_message(site.port, "/0123456789abcdef0123", Origin=own)) == -403


def test_visers_own_port_is_no_way_round(site: Site) -> None:
    port = site.server.get_port()
    assert port != site.port
    for path in ("/", f"/{site.token}/"):
        assert get(port, path)[:2] == (403, REFUSED)
        assert run(first_message(port, path)) == -403
    assert get(port, "/", **{"X-Flux4d-Key": "guess"})[0] == 403


def test_a_page_that_goes_away_is_noticed_and_others_stay(site: Site) -> None:
    async def visit() -> None:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{site.port}/{site.token}"
            stays = await session.ws_connect(url, protocols=[PROTOCOL])
            goes = await session.ws_connect(url, protocols=[PROTOCOL])
            for socket in (stays, goes):
                await socket.receive_bytes(timeout=10)
            connections = site.server._websock_server._live_connections
            assert len(connections) == 2
            await goes.close()
            for _ in range(100):
                if len(connections) == 1:
                    break
                await asyncio.sleep(0.05)
            assert len(connections) == 1
            site.server.gui.add_text("Hello", "again")
            assert len(await stays.receive_bytes(timeout=10)) > 10
            await stays.close()

    run(visit())


def test_a_taken_port_gives_the_next_one(site: Site) -> None:
    other = serve("127.0.0.1", site.port)
    assert other.port != site.port
    assert other.token != site.token
    other.stop()


def test_an_address_that_cannot_be_is_refused() -> None:
    with pytest.raises(Flux4dError, match="65535"):
        serve("127.0.0.1", 70000)
    with pytest.raises(Flux4dError, match=r"203\.0\.113\.1"):
        serve("203.0.113.1", 0)


def test_after_stopping_nobody_answers() -> None:
    running = serve("127.0.0.1", 0)
    running.stop()
    for port in (running.port, running.server.get_port()):
        with pytest.raises(OSError):
            get(port, "/")
