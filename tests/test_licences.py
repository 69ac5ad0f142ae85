"""Terms: which are free, and what several amount to."""

import pytest

from flux4d_core.licences import OWN, UNKNOWN, is_free, together

FREE = [
    *(OWN, "MIT", "the MIT License", "Apache License, Version 2.0", "BSD-3-Clause", "CC0", "CC0 1.0 Universal"),
    *("CC BY 4.0", "CC-BY-4.0", "Creative Commons Attribution 4.0 International", "Apache-2.0 + CC BY 4.0"),
]
RESTRICTED = [
    *("CC BY-NC-SA 3.0", "CC-BY-NC-4.0", "CC BY-SA 4.0", "CC BY-ND 4.0", "MIT, for research only", UNKNOWN, "", "none"),
    *("Creative Commons Attribution-NonCommercial 4.0", "Apache-2.0 + CC BY-NC 4.0", "ask me"),
]


@pytest.mark.parametrize("terms", FREE)
def test_terms_that_let_everybody_share_are_free(terms: str) -> None:
    assert is_free(terms)


@pytest.mark.parametrize("terms", RESTRICTED)
def test_terms_that_do_not_and_terms_nobody_knows_are_not(terms: str) -> None:
    assert not is_free(terms)


def test_what_is_made_of_several_works_has_the_terms_of_all_each_once_and_restricted_ones_first() -> None:
    assert together([OWN, OWN]) == OWN
    assert together([OWN, "CC BY-NC 4.0", OWN]) == f"CC BY-NC 4.0 + {OWN}"
    assert together([f"CC BY-NC 4.0 + {OWN}", "CC BY-NC 4.0"]) == f"CC BY-NC 4.0 + {OWN}"


def test_terms_that_are_not_said_are_unknown() -> None:
    assert together(["", OWN]) == f"{UNKNOWN} + {OWN}"
    assert not is_free(together(["", OWN]))
