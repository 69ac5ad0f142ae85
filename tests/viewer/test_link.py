"""A moment and a view in an address."""

import pytest

from flux4d_viewer.link import Link, parse

LINK = Link(1.25, (12.0, -3.0, 1.5), (30.0, 0.0, 1.0), 57.3)


def test_a_link_reads_as_it_is_written() -> None:
    assert str(LINK) == "1.250/12.000,-3.000,1.500/30.000,0.000,1.000/57.30"
    assert parse(str(LINK)) == LINK
    assert parse("1.25/12,-3,1.5/30,0,1/57.3/") == LINK


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.25",
        "1.25/1,2/3,4,5/60",
        "1.25/1,2,3/4,5,6/60/7",
        "nan/1,2,3/4,5,6/60",
        "1/1,2,inf/4,5,6/60",
        "1/1,2,3/4,5,6/0",
        "1/1,2,3/4,5,6/180",
        "1/1,2,3/1,2,3/60",
        "1/1e9,2,3/4,5,6/60",
        "<script>/1,2,3/4,5,6/60",
    ],
)
def test_what_is_no_link_is_none(text: str) -> None:
    assert parse(text) is None
