"""The golden files of the wire format: made once for each version and then kept for ever.

    python -m tests.support.wire_golden

writes those of today's version; a version that was released is never written again.
"""

import dataclasses
from pathlib import Path

import msgspec

from fieldsurvey.model.drive import PlannedLink
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.position import FixFlag
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.throughput import Cause, Outcome, Phase, PhaseKind, ThroughputTest
from fieldsurvey.model.verdict import RateLayer
from fieldsurvey.wire.checkpoint import Checkpoint, sign_checkpoint
from fieldsurvey.wire.issued import Issued, IssuedKind, sign_issued
from fieldsurvey.wire.merkle import leaf_hash, root_hash
from fieldsurvey.wire.receipt import Receipt, ReceiptState, sign_receipt
from fieldsurvey.wire.rows import DriveEnd, RefusedRow, Row
from tests.support.store_values import (
    START_UTC_US,
    S,
    a_drive,
    a_fix,
    a_radio,
    a_sample,
    a_spoiled_test,
    a_test,
    a_watched_test,
    an_event,
)
from tests.support.wire_batches import DEVICE, EPOCH, HQ_KEY, sealed

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "wire"
# Fields that do not travel by any schema.
LEFT_AT_HOME = {"SurveyPlan": {"stretches", "settlements"}}
LOG_ORIGIN = "hq.example/log/1"
_DRIVES = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")


def golden_rows() -> list[Row]:
    """One of everything, in two drives."""
    fixes = [
        a_fix(0.9, flags=FixFlag.AFTER_GAP | FixFlag.INACCURATE),
        dataclasses.replace(a_fix(1.9, north_m=20.3), latitude_deg=43.0 + 1 / 3),
        dataclasses.replace(a_fix(2.9), gnss_utc_us=None, altitude_m=None, satellites=None),
    ]
    samples = [
        dataclasses.replace(a_sample(second + 1, cause), fix=fix, place=None)
        for second, (cause, fix) in enumerate(
            [(None, fixes[0]), (Cause.DNS, fixes[1]), (None, fixes[1]), (Cause.TIMED_OUT, None)]
        )
    ]
    samples[0] = dataclasses.replace(
        samples[0], radio=dataclasses.replace(a_radio(1), rssi_dbm=-71.25)
    )
    samples[2] = dataclasses.replace(samples[2], radio=None, fix_age_us=1_100_000)
    samples[3] = dataclasses.replace(samples[3], fix_age_us=None)
    nested = message("store.beside", problem=message("store.damaged", path="a"), path="b", n=1.5)
    drive = a_drive(_DRIVES[0])
    plan = dataclasses.replace(
        drive.plan,
        trigger_distance_m=1_500.5,
        layer=RateLayer.GOODPUT,
        links=(PlannedLink("left", "wwan0", "Алатау", AccessType.MOBILE),),
        ca_pem="-----BEGIN CERTIFICATE-----",
    )
    first = [
        dataclasses.replace(drive, plan=plan, replayed=True),
        an_event(0),
        fixes[0],
        samples[0],
        fixes[1],
        samples[1],
        samples[2],
        _named(a_watched_test(2), 1),
        _named(a_test(3), 2),
        _named(_stalled(a_spoiled_test(4, Outcome.FAILED, Cause.STALLED)), 3),
        fixes[2],
        samples[3],
        dataclasses.replace(an_event(5), message=nested),
        RefusedRow("Fix", "Fix(utc_us=-1)", "CHECK constraint failed"),
        DriveEnd(START_UTC_US + 6 * S),
    ]
    second = [a_drive(_DRIVES[1], started_utc_us=START_UTC_US + 9 * S), samples[0]]
    values = [(_DRIVES[0], value) for value in first] + [(_DRIVES[1], value) for value in second]
    return [Row(101 + n, drive_id, value) for n, (drive_id, value) in enumerate(values)]


def _stalled(test: ThroughputTest) -> ThroughputTest:
    failed = {"outcome": Outcome.FAILED, "cause": Cause.STALLED}
    phase = Phase(PhaseKind.DOWNLOAD, 60_000, 1_500_000, 12_000, 4, **failed)
    measurement = dataclasses.replace(test.measurement, phases=(phase,))
    return dataclasses.replace(test, measurement=measurement)


def _named(test: ThroughputTest, number: int) -> ThroughputTest:
    confirms = None if test.confirms is None else str(number) * 8
    return dataclasses.replace(test, test_id=f"test-{number}", confirms=confirms)


def as_document(rows: list[Row]) -> list[dict[str, object]]:
    """Write rows down independently of how they travel."""
    return [
        {"seq": row.seq, "drive_id": row.drive_id, type(row.value).__name__: _plain(row.value)}
        for row in rows
    ]


def _plain(value: object) -> object:
    if isinstance(value, Message):
        return {"id": value.id, "args": {name: _plain(one) for name, one in value.args.items()}}
    if dataclasses.is_dataclass(value):
        names = {field.name for field in dataclasses.fields(value)} - LEFT_AT_HOME.get(
            type(value).__name__, set()
        )
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return msgspec.to_builtins(value)


def main() -> None:
    rows = golden_rows()
    batch = sealed(rows, batch_no=7, prev_sha256="5a" * 32)
    state = ReceiptState.LANDED
    receipt = Receipt(DEVICE, EPOCH, 7, batch.sha256, len(rows), START_UTC_US + 9 * S, 0, state)
    root = root_hash([leaf_hash(receipt.leaf())])
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / "rows-1.parquet").write_bytes(batch.payload)
    (GOLDEN / "rows-1.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(as_document(rows)), indent=1)
    )
    (GOLDEN / "batch-1.fsb").write_bytes(batch.content)
    (GOLDEN / "receipt-1.json").write_bytes(sign_receipt(receipt, HQ_KEY).to_bytes())
    issued = Issued(IssuedKind.PLAN, "kostanay-2027", 3, batch.sha256, 1_234, START_UTC_US)
    (GOLDEN / "issued-1.json").write_bytes(sign_issued(issued, HQ_KEY).to_bytes())
    note = sign_checkpoint(Checkpoint(LOG_ORIGIN, 1, root), HQ_KEY)
    (GOLDEN / "checkpoint-1.txt").write_text(note, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
