"""Lines put together from padded columns are, byte by byte, what spelling cell by cell gives."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.export import text
from fieldsurvey.export.padded_lines import padded_lines
from fieldsurvey.export.word_bytes import number_words

PLACES = {"one": 1, "two": 2, "three": 3, "six": 6, "eight": 8}
YEAR_US = 366 * 86_400_000_000

numbers = st.none() | st.floats(-9e6, 9e6) | st.integers(-(10**7), 10**7).map(lambda n: n / 20)
rows = st.fixed_dictionaries(
    {
        "text": st.none() | st.text("aБ ≥,-:|", min_size=1, max_size=9),
        **dict.fromkeys(PLACES, numbers),
        "time": st.none() | st.integers(0, 3 * 86_400_000_000),
        "truth": st.none() | st.booleans(),
        "whole": st.none() | st.integers(-(2**40), 2**40) | st.integers(-10_001, 10_001),
    }
)
SCHEMA = {
    "text": pl.String,
    **dict.fromkeys(PLACES, pl.Float64),
    "time": pl.Int64,
    "truth": pl.Boolean,
    "whole": pl.Int64,
}


def with_numbers(frame: pl.DataFrame, number: str) -> pl.DataFrame:
    spelt = getattr(text, number)
    return frame.with_columns(
        text.utc(pl.col("time")), *(spelt(pl.col(name), n) for name, n in PLACES.items())
    )


def padded(frame: pl.DataFrame) -> memoryview | None:
    counted = with_numbers(frame, "last_places")
    return padded_lines(counted, PLACES, lambda said: said, end=b"\r\n")


def spelt(frame: pl.DataFrame) -> bytes:
    said = with_numbers(frame, "decimal").with_columns(pl.col("text").str.replace_all(",", ";"))
    return bytes(text.lines(said, end="\r\n", quoted=False)).replace(b";", b",")


@settings(max_examples=300, deadline=None)
@given(some=st.lists(rows, max_size=12), start_us=st.integers(-YEAR_US * 1_900, YEAR_US * 200))
def test_the_same_bytes(some: list[dict[str, object]], start_us: int) -> None:
    frame = pl.DataFrame(some, schema=SCHEMA).with_columns(pl.col("time") + start_us)
    written = padded(frame)
    if written is None:
        times = frame["time"].drop_nulls()
        assert len(frame) < 4, "days are few beside rows"
        assert len(times) > 1
    else:
        assert bytes(written) == spelt(frame)


def test_many_rows_and_many_texts() -> None:
    count = 50_000
    number = pl.int_range(count, eager=True)
    frame = pl.DataFrame(
        {
            "text": "name " + (number * 7 % 900).cast(pl.String),
            **dict.fromkeys(PLACES, number * 0.125 - 1000),
            "time": number * 1_000_000,
            "truth": number % 3 == 0,
            "whole": number * 99_991,
        }
    ).with_columns(pl.when(number % 11 > 0).then(pl.all()))
    written = padded(frame)
    assert written is not None
    assert bytes(written) == spelt(frame)


@pytest.mark.parametrize(
    "odd",
    [
        {"text": ["x" * 201, "b"]},
        {"time": [0, 3 * YEAR_US]},
        {"eight": [1e8, 1.0]},
        {"whole": [2**60, 1]},
        {"whole": [-(2**63), 1]},
    ],
)
def test_what_does_not_fit_is_left_to_others(odd: dict[str, list[object]]) -> None:
    frame = pl.DataFrame({name: odd.get(name, [None, None]) for name in SCHEMA}, schema=SCHEMA)
    assert padded(frame) is None


def test_too_many_texts_are_left_to_others() -> None:
    frame = pl.DataFrame({"text": [str(number) for number in range(5_000)]})
    assert padded_lines(frame, {}, lambda said: said, end=b"\n") is None


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1), st.integers(0, 9))
def test_numbers_of_any_length(values: list[int], places: int) -> None:
    words = number_words(pl.Series(values, dtype=pl.Int64).to_numpy(), places)
    told = [b"".join(w[n].tobytes() for w in words).replace(b"\0", b"") for n in range(len(values))]
    sign = ["-" if value < 0 else "" for value in values]
    digits = [str(abs(value)).zfill(places + 1) for value in values]
    cut = [f"{d[:-places]}.{d[-places:]}" if places else d for d in digits]
    assert told == [(s + d).encode() for s, d in zip(sign, cut, strict=True)]
