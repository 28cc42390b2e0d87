"""The sentences of one moment become one fix, as soon as possible and never twice."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.model.position import FixType
from fieldsurvey.position.nmea import PATIENT_S, QUIET_S, NmeaDecoder
from fieldsurvey.position.stream import Arrival, Moment
from tests.support.position import a_drive, an_epoch, decode, fixes, nmea

PLACE = "4300.0000,N,07700.0000,E"


def at(second: float) -> Moment:
    return Moment(int(second * 1e6) + 5, int(second * 1e6))


def gga(clock: str, *, quality: object = 1, place: str = PLACE) -> bytes:
    return nmea(f"GPGGA,{clock},{place},{quality},07,1.2,812.5,M,-40.0,M,,")


def rmc(clock: str, date: str = "101126", *, status: str = "A", tail: str = ",,,A") -> bytes:
    return nmea(f"GPRMC,{clock},{status},{PLACE},019.4384,271.5,{date}{tail}")


def gnss(fix_us: int | None) -> str:
    assert fix_us is not None
    return datetime.fromtimestamp(fix_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def test_one_fix_from_the_sentences_of_one_moment() -> None:
    stream = (
        rmc("120000.50")
        + gga("120000.50", quality=2)
        + nmea("GPGSA,A,3,02,05,11,12,18,20,25,,,,,,1.9,1.2,1.5")
        + nmea("GPGST,120000.50,7.0,4.0,3.0,20.0,3.0,4.0,6.0")
    )
    (fix,) = fixes(decode([stream]))
    assert (fix.latitude_deg, fix.longitude_deg) == (43.0, 77.0)
    assert fix.fix_type is FixType.DGNSS
    assert (fix.satellites, fix.hdop, fix.altitude_m) == (7, 1.2, 812.5)
    assert fix.accuracy_m == pytest.approx(5.0)
    assert fix.speed_mps == pytest.approx(10.0, abs=1e-4)  # 19.4384 knots
    assert fix.heading_deg == 271.5
    assert gnss(fix.gnss_utc_us) == "2026-11-10 12:00:00.500000"


def test_south_and_west_are_negative() -> None:
    (fix,) = fixes(decode([gga("120000", place="4552.65403,S,07030.00668,W")]))
    assert fix.latitude_deg == pytest.approx(-45.8775671667)
    assert fix.longitude_deg == pytest.approx(-70.5001113333)


@pytest.mark.parametrize("tail", ["", ",", ",,", ",003.1,W", ",,,A", ",,,A,V"])
def test_old_and_new_field_counts(tail: str) -> None:
    (fix,) = fixes(decode([rmc("120000", tail=tail)]))
    assert fix.speed_mps is not None


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "BD", "GB", "GQ", "QZ", "GI", "IN"])
def test_every_talker_is_heard(talker: str) -> None:
    assert len(fixes(decode([nmea(f"{talker}GGA,120000,{PLACE},1,07,1.2,8.5,M,,M,,")]))) == 1


@pytest.mark.parametrize(
    "void",
    [
        rmc("120000", status="V"),
        rmc("120000", tail=",,,N"),
        gga("120000", quality=0),
        gga("120000", quality=""),
        nmea(f"GNGNS,120000,{PLACE},NNN,00,,,,,"),
        nmea(f"GPGLL,{PLACE},120000,V,N"),
        nmea("GPRMC,,V,,,,,,,,,,N"),
    ],
)
def test_one_void_sentence_makes_the_moment_void(void: bytes) -> None:
    assert decode([void]) == [None]
    valid = nmea(f"GNGLL,{PLACE},120000,A,A")
    assert decode([valid + void]) == [None]
    assert decode([void + valid]) == [None]


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        (1, FixType.FIX_3D),
        (2, FixType.DGNSS),
        (3, FixType.FIX_3D),
        (4, FixType.RTK_FIXED),
        (5, FixType.RTK_FLOAT),
        (6, FixType.DEAD_RECKONING),
        (7, FixType.DEAD_RECKONING),
        (8, FixType.DEAD_RECKONING),
    ],
)
def test_quality_is_the_receivers(quality: int, expected: FixType) -> None:
    (fix,) = fixes(decode([gga("120000", quality=quality)]))
    assert fix.fix_type is expected


def test_dead_reckoning_in_one_sentence_is_dead_reckoning() -> None:
    (fix,) = fixes(decode([gga("120000", quality=2) + rmc("120000", tail=",,,E")]))
    assert fix.fix_type is FixType.DEAD_RECKONING


def test_gsa_says_two_dimensions() -> None:
    (fix,) = fixes(decode([gga("120000") + nmea("GPGSA,A,2,02,05,11,,,,,,,,,,2.9,2.2,1.5")]))
    assert fix.fix_type is FixType.FIX_2D


def test_satellites_of_all_systems_count() -> None:
    only_gps = gga("120000")
    (fix,) = fixes(decode([only_gps + nmea(f"GNGNS,120000,{PLACE},AAN,11,1.2,8.5,,,")]))
    assert fix.satellites == 11


@pytest.mark.parametrize("place", ["9100.0,N,07700.0,E", "4300.0,N,18100.0,E", "4300.0,,07700.0,E"])
def test_impossible_coordinates_are_no_fix(place: str) -> None:
    assert decode([gga("120000", place=place)]) == [None]


def test_position_without_any_date_has_no_gnss_time() -> None:
    (fix,) = fixes(decode([gga("120000")]))
    assert fix.gnss_utc_us is None


def test_date_counts_on_past_midnight() -> None:
    stream = [
        rmc("235958"),
        gga("235959"),
        gga("000000"),
        gga("000001") + nmea("GPZDA,000001,11,11,2026,00,00"),
        gga("235959"),
    ]
    times = [gnss(fix.gnss_utc_us)[:19] for fix in fixes(decode(stream))]
    assert times == [
        "2026-11-10 23:59:58",
        "2026-11-10 23:59:59",
        "2026-11-11 00:00:00",
        "2026-11-11 00:00:01",
        "2026-11-10 23:59:59",  # stale: stated and flagged, not moved a day ahead
    ]


def test_date_of_a_void_moment_is_not_remembered() -> None:
    stream = [rmc("120000", date="161206", status="V"), gga("120001")]
    (fix,) = fixes(decode(stream))
    assert fix.gnss_utc_us is None


def test_week_rollover_is_kept_for_all_to_see() -> None:
    (fix,) = fixes(decode([rmc("120000", date="220899")]))
    assert gnss(fix.gnss_utc_us).startswith("1999-08-22")


def test_fix_bears_the_arrival_of_its_first_sentence() -> None:
    decoder = NmeaDecoder()
    assert decoder.feed(Arrival(rmc("120000"), at(1.0))) == []
    assert decoder.feed(Arrival(gga("120000"), at(1.3))) == []
    (fix,) = fixes(decoder.flush())
    assert (fix.utc_us, fix.mono_us) == at(1.0)


def test_a_learnt_sequence_needs_no_waiting() -> None:
    decoder = NmeaDecoder()
    gsv = nmea("GPGSV,1,1,01,02,60,319,36")
    counts = [
        len(decoder.feed(Arrival(chunk + gsv, at(number))))
        for number, chunk in enumerate(a_drive(5))
    ]
    # The first comes with the second's time stamp, and so on; the third is complete at once.
    assert counts == [0, 1, 2, 1, 1]


def test_a_lost_sentence_delays_and_loses_nothing() -> None:
    epochs = a_drive(6)
    epochs[4] = epochs[4].replace(b"GPGGA", b"GPGGB")
    assert len(fixes(decode(epochs))) == 6


def test_receiver_that_pauses_within_a_moment_is_given_time() -> None:
    decoder = NmeaDecoder()
    decoder.feed(Arrival(rmc("120000"), at(0)))
    assert decoder.quiet_s == QUIET_S
    assert len(fixes(decoder.flush())) == 1
    assert decoder.feed(Arrival(gga("120000"), at(0.3))) == []  # too late, and no second fix
    assert decoder.flush() == []
    decoder.feed(Arrival(rmc("120001"), at(1)))
    patience_s = decoder.quiet_s
    assert patience_s == PATIENT_S
    decoder.feed(Arrival(gga("120001"), at(1.3)))
    (fix,) = fixes(decoder.flush())
    assert fix.satellites == 7


def test_a_repeated_time_stamp_is_another_fix() -> None:
    hung = an_epoch("120000.00")
    assert len(fixes(decode([hung, hung, hung]))) == 3


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_chunking_never_changes_the_fixes(cuts: list[int]) -> None:
    stream = b"\xb5\x62\x01" + b"".join(a_drive(6)) + gga("121000")[:-9]
    chunks, start, turn = [], 0, 0
    while start < len(stream):
        size = cuts[turn % len(cuts)]
        chunks.append(stream[start : start + size])
        start, turn = start + size, turn + 1
    whole = decode([stream], step_us=0)
    assert decode(chunks, step_us=0) == whole
    assert len(fixes(whole)) == 6


FIELDS = st.lists(
    st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="$*"), max_size=9)
    | st.sampled_from(
        ["120000", "4300.0", "N", "S", "E", "W", "A", "V", "1", "nan", "inf", "1e999"]
    ),
    max_size=20,
)


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(
        st.tuples(st.sampled_from(["RMC", "GGA", "GNS", "GLL", "GSA", "GST", "VTG", "ZDA"]), FIELDS)
    )
)
def test_intact_nonsense_never_raises(sentences: list[tuple[str, list[str]]]) -> None:
    stream = b"".join(nmea(f"GP{kind}," + ",".join(fields)) for kind, fields in sentences)
    for fix in fixes(decode([stream])):
        assert abs(fix.latitude_deg) <= 90
        assert abs(fix.longitude_deg) <= 180


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=400))
def test_noise_never_raises(noise: bytes) -> None:
    decode([noise, b"".join(a_drive(2)), noise])
