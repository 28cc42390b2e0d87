"""Numbers and words as bytes of one width, a whole column at a time.

What is narrower than its column is filled up with NUL. Numbers are read from tables, four digits at
a time: dividing by ten, digit by digit, takes several times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[Any]  # one item a row, of some bytes
Integers = NDArray[np.int64]

_DIGITS = 4  # at once: a table of 10,000 words stays in the cache
_GROUP = 10**_DIGITS

# Copied in one instruction, where texts are copied byte by byte.
_OF_WIDTH: dict[int, np.dtype[Any]] = {
    1: np.dtype("u1"),
    2: np.dtype("u2"),
    4: np.dtype("u4"),
    8: np.dtype("u8"),
}


def words_of(words: Iterable[str | None]) -> Words:
    """Return words as UTF-8, filled up at their ends; nothing for None."""
    spelt = np.array([(word or "").encode() for word in words], np.bytes_)
    return spelt.view(_OF_WIDTH.get(spelt.itemsize, spelt.dtype))


def taken(words: Words, at: Integers) -> Words:
    """Return the word for each number; numbers must be below their count."""
    return np.take(words, at, mode="clip")  # other modes look at every number first


def number_words(number: Integers, places: int) -> list[Words]:
    """Return sign, whole part, point and decimals of ``number`` / 10**``places``, beside each
    other; ``number`` must not be the least of all, which has no counterpart above zero."""
    before: list[Words] = []
    if number.min(initial=0) < 0:
        before.append(np.where(number < 0, ord("-"), 0).astype(np.uint8))
        number = np.abs(number)
    decimals: list[Words] = []
    left = places
    while left:
        digits = min(left, _DIGITS)
        number, group = parted(number, 10**digits)
        decimals.insert(0, taken(_with_zeros(digits), group))
        left -= digits
    if places:
        decimals.insert(0, np.full(len(number), ord("."), np.uint8))
    return [*before, *_whole_part(number), *decimals]


def parted(number: Integers, divisor: int) -> tuple[Integers, Integers]:
    """Return quotient and remainder, rounded down."""
    higher = number // divisor
    return higher, number - higher * divisor  # a third of the time of divmod


def _whole_part(number: Integers) -> list[Words]:
    groups: list[Words] = []
    table, most = _lowest_group(), int(number.max(initial=0))
    while most >= _GROUP:
        number, group = parted(number, _GROUP)
        group[number > 0] += _GROUP
        groups.insert(0, taken(table, group))
        table, most = _higher_group(), most // _GROUP
    return [taken(table, number), *groups]


@cache
def _with_zeros(digits: int) -> Words:
    """Return each number of so many digits, with its zeros in front."""
    return words_of(f"{number:0{digits}}" for number in range(10**digits))


@cache
def _lowest_group() -> Words:
    """Return numbers without zeros in front, then with them, as the end of a longer number."""
    alone = np.array([f"{number:\0>{_DIGITS}}" for number in range(_GROUP)], np.bytes_)
    return np.concatenate((alone.view(_OF_WIDTH[_DIGITS]), _with_zeros(_DIGITS)))


@cache
def _higher_group() -> Words:
    """Return the same for what stands before the lowest group: nothing for zero."""
    table = _lowest_group().copy()
    table[0] = 0
    return table
