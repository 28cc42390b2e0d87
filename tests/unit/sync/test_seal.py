"""Sealed once, in order, none left out: whatever is asked for and wherever it breaks off."""

import dataclasses
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store import driver
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync import seal as sealing
from fieldsurvey.sync.seal import seal_all, seal_next
from fieldsurvey.wire.batch import MAX_BATCH_BYTES, SealedBatch
from fieldsurvey.wire.rows import RefusedRow, Row, decode_rows, encode_rows
from tests.support.outbox import DEVICE, KEY, NOW_UTC_US, epoch_names, seal_one, sealed_rows
from tests.support.outbox_kill import kill_campaign
from tests.support.store_values import a_drive, a_fix, a_sample, a_test, an_event

OTHER_DEVICE = DEVICE.replace("4", "5")
KILLS = 6


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[SurveyFile]:
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(a_drive("d1"))
        survey.append("d1", samples=[a_sample(n) for n in range(30)])
        yield survey


def test_a_batch_says_what_it_is(survey: SurveyFile) -> None:
    outbox = Outbox(survey)
    batch = seal_one(outbox)
    header = batch.header
    assert (header.device, header.epoch, header.batch_no) == (DEVICE, f"{1:016x}", 0)
    assert (header.first_seq, header.last_seq, header.rows) == (1, 31, 31)
    assert (header.survey, header.created_utc_us) == (outbox.survey_id, NOW_UTC_US)
    assert header.schema == "rows/1"
    batch.verify(KEY.public_key())
    epoch = outbox.epoch()
    assert epoch is not None
    assert (epoch.device, epoch.first_seq, epoch.reason) == (DEVICE, 1, "first")


def test_nothing_recorded_opens_no_epoch(tmp_path: Path) -> None:
    with SurveyFile.create(tmp_path / "empty.fsurvey") as survey:
        assert seal_all(Outbox(survey), DEVICE, KEY, NOW_UTC_US, epoch_names()) == 0
        assert Outbox(survey).epochs() == []


def test_a_laptop_of_another_name_begins_a_chain_of_its_own(survey: SurveyFile) -> None:
    outbox, names = Outbox(survey), epoch_names()
    seal_next(outbox, DEVICE, KEY, NOW_UTC_US, names, max_rows=20)
    other = seal_next(outbox, OTHER_DEVICE, KEY, NOW_UTC_US, names)
    assert other is not None
    assert (other.header.device, other.header.batch_no, other.header.first_seq) == (
        *(OTHER_DEVICE, 0, 21),
    )
    assert [epoch.reason for epoch in outbox.epochs()] == ["first", "device"]
    assert len(sealed_rows(survey)) == 31


def test_a_clock_before_its_time_seals_all_the_same(survey: SurveyFile) -> None:
    batch = seal_next(Outbox(survey), DEVICE, KEY, -5_000_000, epoch_names())
    assert batch is not None
    assert batch.header.created_utc_us == 0


def noise(letters: int) -> str:
    return "".join(random.Random(letters).choices("0123456789абвгдеж", k=letters))


def test_no_batch_is_larger_than_agreed(survey: SurveyFile) -> None:
    """Notes that no packer can make smaller: fewer rows to a batch, until it fits."""
    for n in range(40):
        note = dataclasses.replace(an_event(n).message, args={"note": noise(20_000 + n)})
        survey.append("d1", events=[dataclasses.replace(an_event(n), message=note)])
    outbox = Outbox(survey)
    assert seal_all(outbox, DEVICE, KEY, NOW_UTC_US, epoch_names()) > 2
    sizes = [len(outbox.content(batch) or b"") for batch in outbox.waiting(99)]
    assert max(sizes) <= MAX_BATCH_BYTES
    assert len(sealed_rows(survey)) == 71


def test_a_row_larger_than_a_batch_is_sealed_alone(survey: SurveyFile) -> None:
    note = dataclasses.replace(an_event(40).message, args={"note": noise(600_000)})
    large = dataclasses.replace(an_event(40), message=note)
    survey.append("d1", events=[large])
    survey.append("d1", samples=[a_sample(41)])
    outbox = Outbox(survey)
    seal_all(outbox, DEVICE, KEY, NOW_UTC_US, epoch_names())
    rows = sealed_rows(survey)
    assert rows[31].value == large
    batches = [outbox.content(batch) or b"" for batch in outbox.waiting(99)]
    assert [len(content) > MAX_BATCH_BYTES for content in batches].count(True) == 1
    assert outbox.progress().sealed_rows == 33


@pytest.mark.parametrize("broken", ["refuses", "falsifies"])
def test_a_row_that_cannot_be_encoded_travels_as_text(
    survey: SurveyFile, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A bug of ours in the codec must not hold up the others, nor sign what was not measured."""

    def encode(rows: list[Row]) -> bytes:
        poison = [row for row in rows if row.seq == 17 and not isinstance(row.value, RefusedRow)]
        if poison and broken == "refuses":
            raise OverflowError("too large")
        return encode_rows(
            [dataclasses.replace(row, value=a_fix(0)) if row in poison else row for row in rows]
        )

    monkeypatch.setattr(sealing, "encode_rows", encode)
    rows = Outbox(survey).unsealed(99)
    seal_all(Outbox(survey), DEVICE, KEY, NOW_UTC_US, epoch_names())
    sealed = sealed_rows(survey)
    assert sealed[:16] + sealed[17:] == rows[:16] + rows[17:]
    expected = RefusedRow("Sample", repr(rows[16].value), "cannot be encoded")
    assert sealed[16] == Row(17, "d1", expected)


def test_a_codec_that_cannot_write_anything_is_a_bug(
    survey: SurveyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "decode_rows", lambda _: [])
    with pytest.raises(ValueError, match="not even as text"):
        seal_one(Outbox(survey))
    assert Outbox(survey).progress().sealed_rows == 0


class Crash(BaseException):
    """The power goes."""


class CrashingConnection:
    """Stands between the store and SQLite and dies before or after one of its statements."""

    def __init__(self, connection: driver.Connection) -> None:
        self._connection = connection
        self._left = 0
        self._after = False

    def arm(self, at: int, *, after: bool) -> None:
        """Die at the ``at``-th statement from now."""
        self._left, self._after = at, after

    def execute(self, *arguments: object) -> object:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Crash
        result = self._connection.execute(*arguments)
        if self._left == 0:
            raise Crash
        return result

    @property
    def ran_through(self) -> bool:
        return self._left > 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._connection, name, value)


def crash_while_sealing(path: Path, at: int, max_rows: int, *, after: bool) -> bool:
    """Seal once through a connection that dies; False if it lived to the end."""
    connection = CrashingConnection(driver.connect(path, "mode=rw"))
    with SurveyFile(path, connection, None) as survey:
        outbox = Outbox(survey)
        names = iter([os.urandom(8).hex()])
        connection.arm(at, after=after)
        try:
            seal_next(outbox, DEVICE, KEY, NOW_UTC_US, names.__next__, max_rows)
        except Crash:
            return True
    assert connection.ran_through
    return False


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_statement_seals_nothing_twice(survey: SurveyFile, after: bool) -> None:
    path = survey.path
    survey.close()
    at = sealed = 0
    while crash_while_sealing(path, at := at + 1, 4, after=after):
        with SurveyFile.open(path) as survey:
            before, sealed = sealed, len(sealed_rows(survey))
            assert sealed in (before, before + 4)  # all of a batch or nothing
            survey.append("d1", samples=[a_sample(100 + at)])
    assert at > 10
    with SurveyFile.open(path) as survey:
        seal_all(Outbox(survey), DEVICE, KEY, NOW_UTC_US, epoch_names())
        assert len(sealed_rows(survey)) == Outbox(survey).progress().recorded_rows
        assert survey.check() == []


APPENDS = st.tuples(st.just("append"), st.integers(1, 40), st.integers(0, 12))
SEALS = st.tuples(st.just("seal"), st.sampled_from([1, 2, 3, 7, 30, 8192]), st.just(0))
CRASHES = st.tuples(st.just("crash"), st.integers(1, 30), st.integers(0, 1))
EPOCHS = st.tuples(st.just("epoch"), st.just(0), st.just(0))
STEPS = st.lists(st.one_of(APPENDS, SEALS, CRASHES, EPOCHS), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_every_row_is_sealed_once_and_in_order(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.fsurvey"
        with SurveyFile.create(path) as survey:
            survey.begin_drive(a_drive("d1"))
        names = epoch_names()
        second = 0
        for kind, number, detail in steps:
            if kind == "crash":
                crash_while_sealing(path, number, 5, after=bool(detail))
                continue
            with SurveyFile.open(path) as survey:
                outbox = Outbox(survey)
                if kind == "append":
                    seconds = range(second, second := second + number)
                    survey.append(
                        "d1",
                        samples=[a_sample(n) for n in seconds],
                        fixes=[a_fix(n) for n in seconds[: detail * 3]],
                        events=[an_event(n) for n in seconds[:: detail or 50]],
                        tests=[a_test(n) for n in seconds[:: (detail or 1) * 5]],
                    )
                elif kind == "seal":
                    seal_next(outbox, DEVICE, KEY, NOW_UTC_US, names, number)
                else:
                    outbox.open_epoch(names(), DEVICE, NOW_UTC_US, "conflict")
        with SurveyFile.open(path) as survey:
            everything = _everything(survey)
            seal_all(Outbox(survey), DEVICE, KEY, NOW_UTC_US, names)
            assert [row.value for row in sealed_rows(survey)] == everything
            assert survey.check() == []
            progress = Outbox(survey).progress()
            assert progress.sealed_rows == progress.recorded_rows == len(everything)


def _everything(survey: SurveyFile) -> list[object]:
    """All values of the file by the ways that everything else reads it, in the order of seq."""
    by_table = {
        "drive": survey.drives(),
        "fix": survey.fixes_between(0, 2**62),
        "sample": (dataclasses.replace(sample, place=None) for sample in survey.samples()),
        "event": survey.events(),
        "test": survey.tests(),
    }
    found: dict[int, object] = {}
    for table, values in by_table.items():
        seqs = survey.connection.execute(f"SELECT seq FROM {table} ORDER BY seq").fetchall()
        found |= {seq: value for (seq,), value in zip(seqs, values, strict=True)}
    return [found[seq] for seq in sorted(found)]


def test_two_sealers_never_seal_a_row_twice(survey: SurveyFile) -> None:
    """One reads while the other seals; who comes second is refused, whole."""
    connection = driver.connect(survey.path, "mode=rw")
    with SurveyFile(survey.path, connection, None) as beside:
        outbox = Outbox(survey)
        seal_one(outbox, max_rows=3)
        real_add = outbox.add_sealed

        def add_late(batch: SealedBatch) -> None:
            seal_one(Outbox(beside), max_rows=2)
            real_add(batch)

        outbox.add_sealed = add_late  # type: ignore[method-assign] # the moment in between
        with pytest.raises(ValueError, match="not the next one"):
            seal_one(outbox, max_rows=5)
        assert Outbox(survey).progress().sealed_rows == 5
        seal_all(Outbox(survey), DEVICE, KEY, NOW_UTC_US, epoch_names())
        assert len(sealed_rows(survey)) == 31


def test_a_full_disk_seals_nothing(survey: SurveyFile) -> None:
    outbox = Outbox(survey)
    seal_one(outbox, max_rows=4)
    (pages,) = survey.connection.execute("PRAGMA page_count").fetchone()
    survey.connection.execute(f"PRAGMA max_page_count={pages}")
    for n in range(30):
        note = dataclasses.replace(an_event(40).message, args={"note": noise(9_000 + n)})
        try:
            survey.append("d1", events=[dataclasses.replace(an_event(40 + n), message=note)])
        except KnownError:
            break
    with pytest.raises(KnownError) as caught:
        seal_all(outbox, DEVICE, KEY, NOW_UTC_US, epoch_names(), max_rows=1)
    assert caught.value.message.id == "store.disk_full"
    sealed = outbox.progress().sealed_rows
    assert len(sealed_rows(survey)) == sealed
    survey.connection.execute("PRAGMA max_page_count=100000")
    seal_all(outbox, DEVICE, KEY, NOW_UTC_US, epoch_names())
    assert len(sealed_rows(survey)) == outbox.progress().recorded_rows > sealed


def test_what_is_decoded_is_what_was_read(survey: SurveyFile) -> None:
    rows = Outbox(survey).unsealed(99)
    assert decode_rows(seal_one(Outbox(survey)).payload) == rows


def test_killed_while_sealing(tmp_path: Path) -> None:
    campaign = kill_campaign(tmp_path / "killed.fsurvey", KILLS, seed=random.randrange(2**32))
    assert campaign.kills == KILLS
    assert campaign.batches > 0
