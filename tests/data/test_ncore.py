"""NCore V4: the street through its stores."""

from pathlib import Path

import pytest
from denser_track import denser
from same_log import Tolerance, check_same_log
from street import street
from write_ncore import write_ncore

from flux4d_core.data.formats import open_log

AS_WRITTEN = Tolerance(point_time_ns=1_000)


@pytest.mark.parametrize("as_tar", [False, True])
def test_the_street_comes_back_from_ncore(tmp_path: Path, as_tar: bool) -> None:
    log = open_log(write_ncore(denser(street()), tmp_path, as_tar))
    assert log.notes == ()
    check_same_log(log, street(), AS_WRITTEN)
