from flux4d_viewer.stamp import describe_stamp


def test_a_clock_that_counts_from_1970_shows_the_date() -> None:
    assert describe_stamp(1_700_000_000_500_000_000) == "2023-11-14 22:13:20.500 UTC"


def test_a_clock_that_counts_from_the_start_of_the_car_shows_its_seconds() -> None:
    assert describe_stamp(12_345_000_000) == "12.345 s on the log's clock"
