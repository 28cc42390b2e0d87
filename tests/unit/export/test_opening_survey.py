"""The median round trip of each test."""

import struct

import polars as pl

from fieldsurvey.export.opening_survey import medians


def test_the_median_is_a_round_trip_that_was() -> None:
    times_us = [(3, 1, 2), None, (4, 2**32 - 1, 1, 9), (), (7,)]
    packed = [None if t is None else struct.pack(f"<{len(t)}I", *t) for t in times_us]
    found = medians(pl.Series(packed, dtype=pl.Binary))
    assert found.to_list() == [2, None, 4, None, 7]
    assert medians(pl.Series([], dtype=pl.Binary)).to_list() == []
