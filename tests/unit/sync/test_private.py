"""Nothing that says who drives, or whose SIM card it is, leaves the laptop."""

import asyncio
import dataclasses
import json
import pwd
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fieldsurvey.model.drive import EventKind, PlannedLink, PlannedStretch, SurveyPlan
from fieldsurvey.model.messages import message
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync import carrying, private
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.sync.private import REMOVED, without_private
from fieldsurvey.sync.transport import Answer
from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.bundle import read_bundle
from fieldsurvey.wire.rows import RefusedRow, Row, decode_rows, encode_rows
from tests.support.store_values import a_drive, a_fix, a_radio, a_sample, a_watched_test, an_event
from tests.support.sync_hq import DEVICE, SimulatedHq
from tests.support.sync_servers import Request, answering, reply, serving
from tests.support.sync_survey import KEY, parts_for

IMEI, IMSI, ICCID = "356938035643809", "401771234567890", "8999701560012345678"
MSISDN, SPOKEN = "77012345678", "+7 (701) 234-56-78"
NAME, LOGIN = "Айгерим Серикова", "aigerim"
HOME = f"/home/{LOGIN}"
PRIVATE = (IMEI, IMSI, ICCID, MSISDN, SPOKEN, "234-56-78", NAME, LOGIN)


@pytest.fixture(autouse=True)
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The surveyor's account on the laptop."""
    entry = pwd.struct_passwd((LOGIN, "x", 1000, 1000, f"{NAME},,,", HOME, "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: entry)
    monkeypatch.setenv("HOME", HOME)
    private._own_names.cache_clear()
    yield
    private._own_names.cache_clear()


def test_what_a_plan_names_to_drive_stays_and_the_drive_travels() -> None:
    drive = a_drive()
    stretches = (PlannedStretch("KZ38-01", 40_000, 50_000, 7),)
    asked = dataclasses.replace(drive.plan, stretches=stretches)
    sent = without_private(Row(1, drive.drive_id, dataclasses.replace(drive, plan=asked)), [])
    assert decode_rows(encode_rows([sent])) == [sent], "or it is sealed as mere text"
    assert sent == without_private(Row(1, drive.drive_id, drive), [])


def a_private_test(second: int) -> ThroughputTest:
    test = a_watched_test(second, link=f"modem {IMEI}")
    detail = f"[Errno 2] No such file: '{HOME}/ca.pem' (SIM {ICCID})"
    return dataclasses.replace(
        test,
        measurement=dataclasses.replace(test.measurement, detail=detail),
        tags={"driver": NAME, "phone": SPOKEN},
        operator=f"Altel {MSISDN}",
    )


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[SurveyFile]:
    """A survey with private words wherever text can be, and a row that was tampered with."""
    plan = SurveyPlan(
        name=f"{NAME}: Алматы – Тараз",
        operator=f"Altel {MSISDN}",
        links=(PlannedLink("modem", "wwan0", f"Tele2 {IMSI}"),),
    )
    drive = dataclasses.replace(
        a_drive("d1"),
        plan=plan,
        position_uri=f"replay:{HOME}/drives/route.nmea?speed=10",
        radio_uri=f"at:/dev/serial/by-id/usb-SimTech_{IMEI}-if02",
    )
    radio = dataclasses.replace(a_radio(3), operator_name=f"SIM {ICCID}")
    notes = [
        message("drive.mark", note=f"{NAME} {SPOKEN}"),
        message("drive.mark", note=f"позвонить {MSISDN}"),
        message("store.disk_full", path=Path(f"{HOME}/surveys/a.fsurvey")),
        message("drive.of_link", link="a", text=message("drive.mark", note=IMSI)),
    ]
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(drive)
        survey.append(
            "d1",
            fixes=[a_fix(1)],
            samples=[a_sample(2), dataclasses.replace(a_sample(3), radio=radio)],
            events=[
                dataclasses.replace(an_event(4 + number, EventKind.MARK), message=note)
                for number, note in enumerate(notes)
            ],
            tests=[a_private_test(20)],
        )
        survey.append("d1", events=[dataclasses.replace(an_event(30), message=notes[0])])
        survey.connection.execute("DROP TRIGGER event_no_update")
        survey.connection.execute("UPDATE event SET message = replace(message, '\"id\"', '\"ID\"')"
                                  " WHERE seq = (SELECT max(seq) FROM event)")  # fmt: skip
        yield survey


def found_in(content: str | bytes) -> list[str]:
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    return [word for word in PRIVATE if word in text]


def test_neither_the_batch_nor_anything_else_that_is_sent_has_it(
    survey: SurveyFile, tmp_path: Path
) -> None:
    recorded = [
        survey.connection.execute(f"SELECT * FROM {table}").fetchall()
        for table in ("drive", "sample", "event", "test")
    ]
    assert set(found_in(repr(recorded))) == set(PRIVATE)  # it is there to be found
    hq, seen = SimulatedHq(), list[Request]()

    def answer(request: Request) -> bytes:
        epoch = request.path.split("/")[5] if "/epochs/" in request.path else ""
        given: Answer
        if request.method == "PUT":
            given = hq.put(request.body, epoch, int(request.path.split("/")[-1]))
        elif epoch:
            given = hq.state(epoch)
        else:
            given = hq.hello()
        return reply(given.status, given.body, content_type="application/json")

    async def send() -> bool:
        async with serving(answering(answer, seen)) as url, HttpTransport(url, "token") as way:
            parts = parts_for(survey, hq, way, tmp_path / "profile")
            return (await Syncer(parts).drain()).complete

    assert asyncio.run(send())
    batches = [request.body for request in seen if request.method == "PUT"]
    rows = [row for body in batches for row in decode_rows(parse_batch(body).payload)]
    assert len(rows) == 10
    assert found_in(repr(rows)) == []
    assert repr(rows).count(REMOVED) >= 15
    for request in seen:
        assert found_in(request.body) == []
        assert found_in(json.dumps([request.path, request.headers])) == []


def test_nor_has_a_stick(survey: SurveyFile, tmp_path: Path) -> None:
    stick = tmp_path / "stick.fspb"
    done = carrying.bundle(Outbox(survey), stick, DEVICE, KEY, 0, lambda: "e" * 16)
    assert done is not None
    (content,) = read_bundle(stick)
    rows = decode_rows(parse_batch(content).payload)
    assert found_in(repr(rows)) == found_in(content) == found_in(stick.read_bytes()) == []


def test_what_was_measured_travels_as_it_was_and_the_laptop_keeps_all(survey: SurveyFile) -> None:
    rows = Outbox(survey).unsealed(100)
    assert found_in(repr(rows)) != []
    for row in rows:
        sent = without_private(row)
        assert (sent.seq, sent.drive_id, type(sent.value)) == (
            row.seq,
            row.drive_id,
            type(row.value),
        )
        before, after = (msgspec.to_builtins(one.value) for one in (row, sent))
        assert numbers_of(before) == numbers_of(after)
        assert without_private(sent) == sent
    drive = without_private(rows[0]).value
    assert drive.position_uri == f"replay:{REMOVED}/drives/route.nmea?speed=10"  # type: ignore[union-attr]


def numbers_of(value: object) -> list[object]:
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers_of(one)]
    if isinstance(value, list | tuple):
        return [number for one in value for number in numbers_of(one)]
    return [] if isinstance(value, str) else [value]


@pytest.mark.parametrize(
    "text",
    [
        "serial:/dev/ttyACM0?baud=9600",
        "gpsd://127.0.0.1:2947",
        "сервер отклонил соединение (errno 111), 25000900 bytes in 2.200123456789012 s",
        "km 318.45 of KAZ02, 11.5 km/h, 2026-11-28T12:00:00Z, 40177, n78",
        "sha256 ab12345678901234567890cd87012345678ef0, 4а87012345678б, 0.87012345678",
        "fieldsurvey 0.1.0 of /dev/homes/x, /homework/a",
    ],
)
def test_nothing_else_is_taken_for_it(text: str) -> None:
    row = Row(1, "d1", dataclasses.replace(an_event(1), message=message("drive.mark", note=text)))
    assert without_private(row) is row


@pytest.mark.parametrize(
    "text",
    [
        f"IMEI{IMEI}",
        f"usb_{IMEI}-if0",
        f"({ICCID})",
        f"SIM:{IMSI}.",
        "+77012345678",
        "87012345678",
        "8 701 234 56 78",
        "8(701)234-56-78",
        "+7-701-234-56-78",
        f"IMEI: {IMEI},",
        "3569380356438090",
    ],
)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    note = message("drive.mark", note=f"связь: {text}")
    row = without_private(Row(1, "d1", dataclasses.replace(an_event(1), message=note)))
    said = row.value.message.args["note"]  # type: ignore[union-attr]
    assert REMOVED in said
    assert sum(letter.isdigit() for letter in said) <= 1


def test_a_row_that_is_text_keeps_its_times(survey: SurveyFile) -> None:
    content = f"{{'utc_us': 1760000000000000, 'mono_us': 77012345678, 'note': '{IMEI} {SPOKEN}'}}"
    row = without_private(Row(1, "d1", RefusedRow("Event", content, f"C:\\Users\\{LOGIN}\\a")))
    assert row.value == RefusedRow(
        "Event",
        f"{{'utc_us': 1760000000000000, 'mono_us': 77012345678, 'note': '{REMOVED} {REMOVED}'}}",
        f"C:\\Users\\{REMOVED}\\a",
    )


def test_rows_without_text_are_not_touched() -> None:
    for value in (a_fix(1), a_sample(2)):
        row = Row(1, "d1", value)
        assert without_private(row) is row
