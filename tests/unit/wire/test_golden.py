"""What was sealed by an earlier release is read by this one, to the same values, for ever."""

import dataclasses
import json
import typing

import pytest

from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch
from fieldsurvey.wire.batch import parse_batch
from fieldsurvey.wire.checkpoint import checkpoint_from
from fieldsurvey.wire.issued import IssuedKind, issued_from
from fieldsurvey.wire.merkle import leaf_hash, root_hash, verify_inclusion
from fieldsurvey.wire.receipt import receipt_from
from fieldsurvey.wire.rows import SCHEMA, Recorded, Row, decode_rows, dense_table, encode_rows
from tests.support.store_values import a_drive
from tests.support.wire_batches import DEVICE_KEY, HQ_KEY
from tests.support.wire_golden import GOLDEN, LEFT_AT_HOME, as_document, golden_rows


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return decode_rows((GOLDEN / "rows-1.parquet").read_bytes())


def expected(name: str) -> object:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def plainly(rows: list[Row]) -> object:
    return json.loads(json.dumps(as_document(rows)))


def names(document: object) -> object:
    """Return a document without its values."""
    if isinstance(document, dict):
        return {name: names(value) for name, value in document.items()}
    return [names(value) for value in document] if isinstance(document, list) else None


def check_contains(found: object, wanted: object) -> None:
    """Fields that came later may be there too."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict)
        for name, value in wanted.items():
            check_contains(found[name], value)
    elif isinstance(wanted, list):
        assert isinstance(found, list)
        assert len(found) == len(wanted)
        for pair in zip(found, wanted, strict=True):
            check_contains(*pair)
    else:
        assert found == wanted


def test_rows_are_read_to_the_same_values(rows: list[Row]) -> None:
    check_contains(plainly(rows), expected("rows-1.json"))
    assert dense_table((GOLDEN / "rows-1.parquet").read_bytes()).num_rows == 5
    assert decode_rows(encode_rows(rows)) == rows


def test_batch_is_still_a_batch(rows: list[Row]) -> None:
    batch = parse_batch((GOLDEN / "batch-1.fsb").read_bytes())
    batch.verify(DEVICE_KEY.public_key())
    assert (batch.header.batch_no, batch.header.schema) == (7, "rows/1")
    assert decode_rows(batch.payload) == rows
    assert (batch.header.first_seq, batch.header.last_seq) == (rows[0].seq, rows[-1].seq)


def test_issued_document_still_verifies() -> None:
    signed = issued_from((GOLDEN / "issued-1.json").read_bytes())
    signed.verify(HQ_KEY.public_key())
    one = signed.issued
    assert (one.kind, one.name, one.version) == (IssuedKind.PLAN, "kostanay-2027", 3)
    assert one.sha256 == parse_batch((GOLDEN / "batch-1.fsb").read_bytes()).sha256
    assert (one.size_bytes, one.v) == (1_234, 1)


def test_receipt_and_checkpoint_still_verify() -> None:
    signed = receipt_from((GOLDEN / "receipt-1.json").read_bytes())
    signed.verify(HQ_KEY.public_key())
    batch = parse_batch((GOLDEN / "batch-1.fsb").read_bytes())
    assert signed.receipt.sha256 == batch.sha256
    note = (GOLDEN / "checkpoint-1.txt").read_bytes().decode()
    checkpoint = checkpoint_from(note, HQ_KEY.public_key())
    leaf = leaf_hash(signed.receipt.leaf())
    assert checkpoint.root == root_hash([leaf])
    verify_inclusion(signed.receipt.log_index, checkpoint.size, leaf, [], checkpoint.root)


def test_what_a_plan_names_to_drive_does_not_travel() -> None:
    drive = a_drive()
    stretches = (PlannedStretch("KZ38-01", 40_000, 50_000, 7),)
    settlements = (PlannedSettlement("kz-1", 3),)
    asked = dataclasses.replace(drive.plan, stretches=stretches, settlements=settlements)
    row = Row(1, drive.drive_id, dataclasses.replace(drive, plan=asked))
    plain = Row(1, drive.drive_id, drive)
    assert encode_rows([row]) == encode_rows([plain])
    assert decode_rows(encode_rows([row])) == [plain]


def test_every_field_of_the_model_travels() -> None:
    """A field that the newest golden file has not is new: raise the schema, add files for it."""
    assert SCHEMA == "rows/1"
    assert names(plainly(golden_rows())) == names(expected("rows-1.json"))
    kinds = {type(row.value) for row in golden_rows()}
    assert kinds == set(typing.get_args(Recorded))


def test_golden_rows_have_a_value_in_every_field(rows: list[Row]) -> None:
    """What is missing everywhere would not show if it were lost."""
    seen: dict[type, set[str]] = {}

    def see(value: object) -> None:
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                inner = getattr(value, field.name)
                if inner is not None and inner != ():
                    seen.setdefault(type(value), set()).add(field.name)
                see(inner)
        elif isinstance(value, tuple):
            for inner in value:
                see(inner)

    see(tuple(row.value for row in rows))
    left_at_home = {"Drive": {"ended_utc_us"}, "Sample": {"place"}, **LEFT_AT_HOME}
    for kind, names in seen.items():
        fields = {field.name for field in dataclasses.fields(kind)}
        assert fields - names <= left_at_home.get(kind.__name__, set()), kind
