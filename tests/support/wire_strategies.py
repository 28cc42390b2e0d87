"""Any row of a survey file, drawn from the model's own field types: a new field is drawn too."""

import dataclasses
import types
import typing
from enum import Enum, IntFlag

from hypothesis import strategies as st

from fieldsurvey.model.drive import Drive, Event, Sample
from fieldsurvey.model.messages import Message
from fieldsurvey.model.position import Fix, FixFlag
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.wire.rows import DriveEnd, RefusedRow, Row

INTEGERS = st.integers(-(2**63), 2**63 - 1)
REALS = st.floats(allow_nan=False, allow_infinity=False).map(lambda real: real + 0.0) | st.integers(
    -(10**7), 10**7
).map(lambda whole: whole / 1000)
WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
_ARGUMENTS = WORDS | INTEGERS | REALS | st.booleans() | st.none()
MESSAGES = st.recursive(
    st.builds(Message, WORDS, st.dictionaries(WORDS, _ARGUMENTS, max_size=2)),
    lambda inner: st.builds(Message, WORDS, st.dictionaries(WORDS, _ARGUMENTS | inner, max_size=2)),
    max_leaves=3,
)
_PLAIN: dict[object, st.SearchStrategy] = {
    int: INTEGERS,
    float: REALS,
    str: WORDS,
    bool: st.booleans(),
    type(None): st.none(),
    Message: MESSAGES,
    FixFlag: st.integers(0, 63).map(FixFlag),
}


def any_of(kind: object) -> st.SearchStrategy:
    """Draw any value of an annotated type of the model."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(any_of, arguments))
    if origin is tuple:
        return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(*map(any_of, arguments), max_size=2)
    assert isinstance(kind, type), kind
    if issubclass(kind, Enum):
        assert not issubclass(kind, IntFlag)
        return st.sampled_from(kind)
    hints = typing.get_type_hints(kind)
    fields = [field.name for field in dataclasses.fields(kind)]
    return st.builds(kind, **{name: any_of(hints[name]) for name in fields})


FIXES = any_of(Fix)
SAMPLES = any_of(Sample).map(lambda sample: dataclasses.replace(sample, place=None))
DRIVES = any_of(Drive).map(
    lambda drive: dataclasses.replace(
        drive,
        ended_utc_us=None,
        # These stay at home (PLAN_LEFT_AT_HOME), which tests/unit/wire/test_golden.py looks after.
        plan=dataclasses.replace(drive.plan, stretches=(), settlements=()),
    )
)
RECORDS = st.one_of(
    DRIVES, any_of(DriveEnd), any_of(Event), any_of(ThroughputTest), any_of(RefusedRow)
)


@st.composite
def row_lists(draw: st.DrawFn) -> list[Row]:
    """Draw contiguous rows; samples share fixes with fix rows and with one another."""
    pool = draw(st.lists(FIXES, min_size=1, max_size=3))
    shared = st.sampled_from(pool)
    samples = st.tuples(SAMPLES, st.none() | shared).map(
        lambda drawn: drawn[0] if drawn[1] is None else dataclasses.replace(drawn[0], fix=drawn[1])
    )
    values = draw(st.lists(shared | samples | RECORDS, min_size=1, max_size=12))
    first_seq = draw(st.integers(1, 2**53))
    drives = draw(st.lists(WORDS, min_size=1, max_size=2))
    return [
        Row(first_seq + index, draw(st.sampled_from(drives)), value)
        for index, value in enumerate(values)
    ]
