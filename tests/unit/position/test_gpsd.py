"""gpsd's reports become fixes: one per moment, with gpsd's guesses left out."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.position.gpsd import GpsdDecoder, greeting
from fieldsurvey.position.stream import Arrival, Moment, Statement
from tests.support.position import fixes

S = 1_000_000
DEVICE = "/dev/ttyACM0"


class Gpsd:
    """A decoder fed with reports at given seconds."""

    def __init__(self) -> None:
        self.decoder = GpsdDecoder()
        self.statements: list[Statement] = []

    def say(self, second: float, kind: str, **fields: object) -> None:
        report = {"class": kind, "device": DEVICE, **fields}
        moment = Moment(int(second * S) + 3, int(second * S))
        self.statements += self.decoder.feed(Arrival(json.dumps(report).encode() + b"\r\n", moment))

    def tpv(self, second: int, lag_s: float = 0.0, **fields: object) -> None:
        time = f"2026-11-10T12:00:{second:02d}.000Z"
        place = {"lat": 43.0 + second / 1000, "lon": 77.0, "mode": 3, "time": time}
        self.say(second + lag_s, "TPV", **{**place, **fields})


def test_a_complete_fix() -> None:
    gpsd = Gpsd()
    gpsd.say(0.9, "SKY", hdop=0.8, uSat=14)
    gpsd.tpv(1, status=2, altHAE=700.0, altMSL=740.0, speed=25.5, track=181.0, eph=15.2)
    assert gpsd.statements == [
        Fix(
            utc_us=S + 3,
            mono_us=S,
            latitude_deg=43.001,
            longitude_deg=77.0,
            fix_type=FixType.DGNSS,
            gnss_utc_us=1_794_312_001 * S,
            altitude_m=740.0,
            speed_mps=25.5,
            heading_deg=181.0,
            accuracy_m=None,  # 15.2 m is 19 m times HDOP: a guess
            hdop=0.8,
            satellites=14,
        )
    ]


def test_accuracy_is_the_receivers_own() -> None:
    gpsd = Gpsd()
    gpsd.say(0.9, "SKY", hdop=0.8, uSat=14)
    gpsd.say(0.9, "GST", lat=3.0, lon=4.0, alt=7.0)
    gpsd.tpv(1, eph=15.2)
    gpsd.tpv(30, eph=15.2)  # SKY and GST are too old by now: the guess is better than nothing
    assert [fix.accuracy_m for fix in fixes(gpsd.statements)] == [5.0, 15.2]


@pytest.mark.parametrize(
    "fields", [{"mode": 0}, {"mode": 1}, {"lat": None}, {"lat": 91}, {"mode": "3"}]
)
def test_no_position_is_stated_as_such(fields: dict[str, Any]) -> None:
    gpsd = Gpsd()
    gpsd.tpv(1, **fields)
    assert gpsd.statements == [None]


def test_a_moment_reported_thrice_is_one_fix() -> None:
    gpsd = Gpsd()
    for second in (1, 2):
        for lag_s in (0.0, 0.1, 0.3):
            gpsd.tpv(second, lag_s)
    assert len(gpsd.statements) == 2


def test_a_hung_receiver_is_not_taken_for_a_repetition() -> None:
    gpsd = Gpsd()
    for lag_s in (0.0, 1.0, 2.0):
        gpsd.tpv(1, lag_s)
    assert len(fixes(gpsd.statements)) == 3


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (1, FixType.FIX_2D),
        (3, FixType.RTK_FIXED),
        (4, FixType.RTK_FLOAT),
        (5, FixType.DEAD_RECKONING),
        (8, FixType.DEAD_RECKONING),
    ],
)
def test_fix_type(status: int, expected: FixType) -> None:
    gpsd = Gpsd()
    gpsd.tpv(1, mode=2, status=status)
    assert fixes(gpsd.statements)[0].fix_type is expected


def test_two_receivers_are_not_mixed() -> None:
    gpsd = Gpsd()
    for second in range(1, 4):
        gpsd.tpv(second)
        gpsd.tpv(second, 0.5, device="/dev/ttyUSB7", lat=10.0)
    gpsd.tpv(20, device="/dev/ttyUSB7", lat=10.0)  # the first has been silent: go on with this
    assert [round(fix.latitude_deg) for fix in fixes(gpsd.statements)] == [43, 43, 43, 10]


def test_receiver_gone_and_back() -> None:
    gpsd = Gpsd()
    gone: list[bool] = []
    said: list[tuple[float, str, dict[str, Any]]] = [
        (2, "DEVICE", {"path": "/dev/other", "activated": 0}),
        (3, "DEVICE", {"path": DEVICE, "activated": 0}),
        (4, "TPV", {"lat": 43.0, "lon": 77.0, "mode": 3}),
        (5, "DEVICES", {"devices": []}),
    ]
    for second, kind, fields in said:
        gpsd.tpv(1)
        gpsd.say(second, kind, **fields)
        gone.append(gpsd.decoder.receiver_gone)
    assert gone == [False, True, False, True]


def test_greeting_names_the_device() -> None:
    assert greeting(None) == b'?WATCH={"enable": true, "json": true}\n'
    assert json.loads(greeting(DEVICE).partition(b"=")[2])["device"] == DEVICE


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [
    "class",
    "mode",
    "lat",
    "lon",
    "time",
    "device",
    "hdop",
    "uSat",
    "devices",
    "activated",
    "status",
]


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(
        st.dictionaries(st.sampled_from(NAMES), JSON).flatmap(
            lambda rest: st.sampled_from(["TPV", "SKY", "GST", "DEVICE", "DEVICES"]).map(
                lambda kind: {**rest, "class": kind}
            )
        )
        | JSON,
        max_size=6,
    ),
    st.integers(1, 50),
)
def test_nonsense_never_raises_and_chunking_never_matters(reports: list[object], size: int) -> None:
    stream = b"".join(json.dumps(report).encode() + b"\n" for report in reports)
    whole, cut = GpsdDecoder(), GpsdDecoder()
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    expected = whole.feed(Arrival(stream, Moment(0, 0)))
    assert [s for chunk in chunks for s in cut.feed(Arrival(chunk, Moment(0, 0)))] == expected


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=200))
def test_noise_never_raises(noise: bytes) -> None:
    GpsdDecoder().feed(Arrival(noise + b"\n", Moment(0, 0)))
