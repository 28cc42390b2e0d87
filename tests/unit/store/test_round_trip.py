"""What was appended comes back equal, whatever it is, and in its order."""

import dataclasses
import math
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldsurvey.model.drive import (
    AtBudget,
    Drive,
    Event,
    EventKind,
    PlannedLink,
    Reachability,
    Sample,
    SurveyPlan,
)
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import Fix, FixFlag, FixType
from fieldsurvey.model.radio import AccessType, RadioState, RadioTechnology
from fieldsurvey.model.throughput import (
    Bins,
    Cause,
    Estimate,
    InterfaceKind,
    Judgement,
    Measurement,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
    TcpSummary,
    ThroughputTest,
    Trigger,
)
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_values import (
    PLACE,
    START_UTC_US,
    S,
    a_drive,
    a_fix,
    a_sample,
    a_spoiled_test,
    a_test,
    a_watched_test,
    an_event,
)

UTC_US = st.integers(0, 253_402_300_799_999_999)
MONO_US = st.integers(0, 2**62)
COUNT = st.integers(0, 2**53)
U32 = st.integers(0, 2**32 - 1)
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)


def reals(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


def maybe(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | values


FIXES = st.builds(
    Fix,
    UTC_US,
    MONO_US,
    reals(-90, 90),
    reals(-180, 180),
    st.sampled_from(FixType),
    maybe(UTC_US),
    maybe(reals(-500, 9_000)),
    maybe(reals(0, 90)),
    maybe(reals(0, 360)),
    maybe(reals(0, 1e5)),
    maybe(reals(0, 100)),
    maybe(st.integers(0, 60)),
    st.integers(0, 63).map(FixFlag),
)
RADIOS = st.builds(
    RadioState,
    UTC_US,
    MONO_US,
    st.sampled_from(RadioTechnology),
    maybe(WORDS),
    maybe(WORDS),
    maybe(COUNT),
    maybe(COUNT),
    maybe(WORDS),
    maybe(reals(-150, 0)),
    maybe(reals(-40, 10)),
    maybe(reals(-30, 50)),
    maybe(reals(-150, 0)),
)
METRES = maybe(reals(0, 1e7))
PLACES = st.builds(Place, WORDS, maybe(WORDS), METRES, METRES, maybe(WORDS), maybe(WORDS), METRES)
CAUSES = st.sampled_from(Cause)
REACHABILITIES = st.builds(Reachability, st.just(True), maybe(COUNT), maybe(CAUSES)) | st.builds(
    Reachability, st.just(False), maybe(COUNT), CAUSES
)
SAMPLES = st.builds(
    Sample,
    UTC_US,
    MONO_US,
    REACHABILITIES,
    maybe(FIXES),
    maybe(COUNT),
    maybe(RADIOS),
    maybe(PLACES),
)
ESTIMATES = st.builds(Estimate, WORDS, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT)
BINS = st.builds(Bins, st.lists(U32, max_size=5).map(tuple), st.integers(1, 10**6))
TCP_SUMMARIES = st.builds(TcpSummary, *[maybe(COUNT) for _ in range(7)])
PHASES = st.builds(
    Phase,
    st.sampled_from(PhaseKind),
    COUNT,
    COUNT,
    COUNT,
    st.integers(0, 64),
    maybe(BINS),
    maybe(ESTIMATES),
    st.lists(U32, max_size=4).map(tuple),
    st.integers(0, 99),
    st.sampled_from(Outcome),
    maybe(CAUSES),
    maybe(TCP_SUMMARIES),
    maybe(TCP_SUMMARIES),
)
SELF_CHECKS = st.builds(
    SelfCheck,
    maybe(WORDS),
    st.sampled_from(InterfaceKind),
    *[maybe(COUNT) for _ in range(5)],
    st.lists(st.sampled_from(SelfLimit), max_size=3).map(tuple),
)
MEASUREMENTS = st.builds(
    Measurement,
    WORDS,
    st.sampled_from(Mode),
    WORDS,
    st.sampled_from(Outcome),
    COUNT,
    COUNT,
    st.lists(PHASES, max_size=3).map(tuple),
    CAUSES,
    WORDS,
    maybe(WORDS),
    maybe(st.integers(1, 9_000)),
    maybe(WORDS),
    WORDS,
    maybe(st.sampled_from((4, 6))),
    st.booleans(),
    COUNT,
    maybe(COUNT),
    maybe(SELF_CHECKS),
)
TARGETS = st.builds(Target, WORDS, WORDS, st.integers(1, 2**40), st.sampled_from(RateLayer))
JUDGEMENTS = st.builds(
    Judgement, st.sampled_from(Verdict), st.sampled_from(Confidence), TARGETS, COUNT, WORDS
)
TESTS = st.builds(
    ThroughputTest,
    st.just(""),
    st.sampled_from(Trigger),
    UTC_US,
    MONO_US,
    UTC_US,
    MONO_US,
    MEASUREMENTS,
    maybe(FIXES),
    maybe(FIXES),
    maybe(PLACES),
    maybe(PLACES),
    maybe(JUDGEMENTS),
    st.dictionaries(WORDS, WORDS, max_size=3),
    WORDS,
    WORDS,
    st.sampled_from(AccessType),
    maybe(st.uuids().map(str)),
)
LINKS = st.builds(PlannedLink, WORDS, WORDS, WORDS, st.sampled_from(AccessType))
ARGUMENTS = WORDS | st.integers(-(2**53), 2**53) | reals(-1e9, 1e9) | st.booleans() | st.none()
MESSAGES = st.recursive(
    st.builds(Message, WORDS, st.dictionaries(WORDS, ARGUMENTS, max_size=2)),
    lambda inner: st.builds(Message, WORDS, st.dictionaries(WORDS, ARGUMENTS | inner, max_size=2)),
    max_leaves=3,
)
EVENTS = st.builds(Event, st.sampled_from(EventKind), UTC_US, MONO_US, MESSAGES)

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def survey(tmp_path: Path):
    with SurveyFile.create(tmp_path / "a.fsurvey") as opened:
        yield opened


def begun(survey: SurveyFile) -> str:
    drive = a_drive()
    survey.begin_drive(drive)
    return drive.drive_id


@EXAMPLES
@given(sample=SAMPLES)
def test_any_sample(survey: SurveyFile, sample: Sample) -> None:
    drive_id = begun(survey)
    assert survey.append(drive_id, samples=[sample]) == ()
    assert list(survey.samples(drive_id)) == [sample]


@EXAMPLES
@given(test=TESTS)
def test_any_throughput_test(survey: SurveyFile, test: ThroughputTest) -> None:
    drive_id = begun(survey)
    test = dataclasses.replace(test, test_id=str(uuid.uuid4()))  # hypothesis repeats its own
    assert survey.append(drive_id, tests=[test]) == ()
    assert list(survey.tests(drive_id)) == [test]
    assert survey.append(drive_id, tests=[test]) == ()
    assert list(survey.tests(drive_id)) == [test]


@EXAMPLES
@given(fix=FIXES, event=EVENTS)
def test_any_fix_and_event(survey: SurveyFile, fix: Fix, event: Event) -> None:
    drive_id = begun(survey)
    assert survey.append(drive_id, fixes=[fix], events=[event]) == ()
    assert list(survey.fixes_between(fix.utc_us, fix.utc_us + 1, drive_id)) == [fix]
    assert list(survey.events(drive_id)) == [event]


@EXAMPLES
@given(
    plan=st.builds(
        SurveyPlan,
        name=WORDS,
        mode=st.sampled_from(Mode),
        access_type=st.sampled_from(AccessType),
        trigger_distance_m=maybe(reals(0, 1e6)),
        upload=st.booleans(),
        budget_bytes_per_month=COUNT,
        at_budget=st.sampled_from(AtBudget),
        layer=maybe(st.sampled_from(RateLayer)),
        pace_ratio=reals(1.1, 10),
        calibrate_every=st.integers(0, 100),
        confirm_server_url=WORDS,
        links=st.lists(LINKS, max_size=3).map(tuple),
        links_together=st.booleans(),
    ),
    replayed=st.booleans(),
    started_utc_us=UTC_US,
)
def test_any_drive(
    survey: SurveyFile, plan: SurveyPlan, replayed: bool, started_utc_us: int
) -> None:
    drive = dataclasses.replace(
        a_drive(), plan=plan, replayed=replayed, started_utc_us=started_utc_us
    )
    survey.begin_drive(drive)
    assert survey.drives()[-1] == drive
    survey.end_drive(drive.drive_id, started_utc_us)
    assert survey.drives()[-1] == dataclasses.replace(drive, ended_utc_us=started_utc_us)


def test_enums_and_tuples_come_back_as_themselves(survey: SurveyFile) -> None:
    drive_id = begun(survey)
    survey.append(drive_id, samples=[a_sample(1, Cause.DNS)], tests=[a_test(2)])
    (sample,), (test,) = survey.samples(), survey.tests()
    assert sample.reachability.cause is Cause.DNS
    assert isinstance(sample.fix.flags, FixFlag)
    assert test.judgement.target.layer is RateLayer.IP
    assert test.measurement.phases[1].bins.byte_counts[0] == 650_000


def test_every_field_of_a_test_is_kept(survey: SurveyFile) -> None:
    """Nothing here is as a test is without it, so a forgotten column would show."""
    drive_id = begun(survey)
    test = a_watched_test(2)
    survey.append(drive_id, tests=[test])
    (stored,) = survey.tests()
    assert stored == test
    assert stored.access_type is AccessType.MOBILE
    assert stored.measurement.self_check.limits == (SelfLimit.WIFI, SelfLimit.OTHER_TRAFFIC)
    for whole in (test, test.measurement, test.measurement.self_check):
        for field in dataclasses.fields(whole):
            if field.name != "cause":  # of a completed test there is none
                assert getattr(whole, field.name) != field.default, field.name


def test_not_a_number_is_not_known(survey: SurveyFile) -> None:
    drive_id = begun(survey)
    survey.append(drive_id, fixes=[dataclasses.replace(a_fix(1), altitude_m=math.nan)])
    (fix,) = survey.fixes_between(0, 2 * START_UTC_US)
    assert fix.altitude_m is None


def test_message_arguments_without_a_json_form_become_text(survey: SurveyFile) -> None:
    drive_id = begun(survey)
    event = Event(EventKind.MARK, START_UTC_US, 0, message("x.y", at=Path("a") / "b"))
    survey.append(drive_id, events=[event])
    (stored,) = survey.events()
    assert stored.message.args == {"at": str(Path("a") / "b")}


def test_everything_survives_closing(tmp_path: Path) -> None:
    path = tmp_path / "b.fsurvey"
    drive = a_drive()
    test = a_test(3)
    with SurveyFile.create(path) as survey:
        survey.begin_drive(drive)
        survey.append(
            drive.drive_id,
            fixes=[a_fix(1)],
            samples=[a_sample(1)],
            events=[an_event(1)],
            tests=[test],
        )
    assert {name.name for name in tmp_path.iterdir()} == {"b.fsurvey"}
    with SurveyFile.open(path) as survey:
        assert survey.drives() == [drive]
        assert list(survey.samples()) == [a_sample(1)]
        assert list(survey.events()) == [an_event(1)]
        assert list(survey.tests()) == [test]
        assert survey.check() == []


def test_many_rows_keep_their_order(survey: SurveyFile) -> None:
    """More rows than a page, of two drives."""
    first, second = begun(survey), begun(survey)
    samples = [a_sample(n) for n in range(1_203)]
    survey.append(first, samples=samples[:600])
    survey.append(second, samples=samples[600:])
    assert list(survey.samples()) == samples
    assert list(survey.samples(first)) == samples[:600]
    assert list(survey.samples(second)) == samples[600:]


def test_numbers_follow_time_within_an_append(survey: SurveyFile) -> None:
    """A resume lies before the seconds that follow it, however late they are committed."""
    drive_id = begun(survey)
    survey.append(
        drive_id,
        samples=[a_sample(1), a_sample(3)],
        events=[an_event(2)],
        tests=[a_spoiled_test(2, Outcome.CANCELLED, None)],
    )
    rows = survey.connection.execute(
        "SELECT seq, mono_us FROM sample UNION SELECT seq, mono_us FROM event ORDER BY seq"
    ).fetchall()
    assert [mono_us for _, mono_us in rows] == [1 * S, 2 * S, 3 * S]


def test_fixes_between_is_half_open(survey: SurveyFile) -> None:
    drive_id = begun(survey)
    survey.append(drive_id, fixes=[a_fix(n) for n in range(5)])
    fixes = survey.fixes_between(START_UTC_US + 1 * S, START_UTC_US + 3 * S)
    assert list(fixes) == [a_fix(1), a_fix(2)]


def test_unknown_drive_is_a_bug(survey: SurveyFile) -> None:
    with pytest.raises(ValueError, match="no drive"):
        survey.append("nobody", samples=[a_sample(1)])
    with pytest.raises(ValueError, match="no drive"):
        list(survey.samples("nobody"))


def test_place_without_words_is_still_a_place(survey: SurveyFile) -> None:
    drive_id = begun(survey)
    nowhere = dataclasses.replace(a_sample(1), place=Place(PLACE.places_version))
    survey.append(drive_id, samples=[nowhere])
    assert list(survey.samples()) == [nowhere]


def test_drive_type() -> None:
    """Every field of a drive but its end is a column of its row."""
    from fieldsurvey.store.rows import DRIVE_COLUMNS

    fields = [field.name for field in dataclasses.fields(Drive)]
    assert [*DRIVE_COLUMNS, "ended_utc_us"] == fields
