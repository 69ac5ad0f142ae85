"""Who is let in, by path, Host and Origin."""

import pytest

from flux4d_core.errors import Flux4dError
from flux4d_viewer.web.door import WRONG_HOST, WRONG_ORIGIN, WRONG_TOKEN, Door, make_door

TOKEN = "0123456789abcdef"
DOOR = Door(TOKEN, frozenset({"localhost"}))


def test_who_knows_the_token_comes_in_under_every_name_of_this_machine() -> None:
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:9", "192.168.1.5:8080", "localhost"):
        assert DOOR.refusal(f"/{TOKEN}/", [host], []) is None
        assert DOOR.refusal(f"/{TOKEN}", [host], [f"http://{host}"]) is None


@pytest.mark.parametrize(
    "path", ["/", "", "/index.html", f"/{TOKEN}x/", f"/x/{TOKEN}/", f"//{TOKEN}/", f"/../{TOKEN}/"]
)
def test_without_the_token_in_its_place_nobody_comes_in(path: str) -> None:
    assert DOOR.refusal(path, ["localhost:8080"], []) == WRONG_TOKEN


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil@localhost", "localhost/x", "", "a:b"])
def test_a_name_that_somebody_else_points_at_this_machine_is_refused(host: str) -> None:
    assert DOOR.refusal(f"/{TOKEN}/", [host], []) == WRONG_HOST


def test_two_names_or_none_are_refused() -> None:
    assert DOOR.refusal(f"/{TOKEN}/", [], []) == WRONG_HOST
    assert DOOR.refusal(f"/{TOKEN}/", ["localhost", "localhost"], []) == WRONG_HOST


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "http://127.0.0.1:8080", "file://", ""]
)
def test_a_page_from_elsewhere_is_refused_even_with_the_token(origin: str) -> None:
    assert DOOR.refusal(f"/{TOKEN}/", ["localhost:8080"], [origin]) == WRONG_ORIGIN
    assert DOOR.refusal(f"/{TOKEN}/", ["localhost:8080"], ["http://localhost:8080", origin]) == WRONG_ORIGIN


def test_every_door_has_a_long_token_of_its_own() -> None:
    tokens = {make_door("127.0.0.1", None).token for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) >= 20 for token in tokens)
    assert make_door("127.0.0.1", TOKEN).token == TOKEN


@pytest.mark.parametrize("token", ["", "short", "0123456789abcde/", "0123456789 abcdef", "../../etc/passwd00"])
def test_a_token_that_is_short_or_no_part_of_an_address_is_refused(token: str) -> None:
    with pytest.raises(Flux4dError, match="16 to 128"):
        make_door("127.0.0.1", token)
