"""FORMAT.md names everything a stranger meets."""

import dataclasses
from pathlib import Path

import fieldsurvey.wire
from fieldsurvey.wire.batch import BatchHeader
from fieldsurvey.wire.receipt import Receipt, ReceiptState
from fieldsurvey.wire.rows import SCHEMA
from fieldsurvey.wire.rows_columns import COLUMNS, MOST_ROWS
from fieldsurvey.wire.rows_records import RECORD_KINDS

TEXT = (Path(fieldsurvey.wire.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")


def test_everything_is_named() -> None:
    words = [*COLUMNS, *RECORD_KINDS, SCHEMA]
    words += [field.name for kind in (BatchHeader, Receipt) for field in dataclasses.fields(kind)]
    words += [state.value for state in ReceiptState]
    assert [word for word in words if f"`{word}`" not in TEXT] == []
    assert f"{MOST_ROWS:,} rows" in TEXT


def test_no_column_is_named_that_is_none() -> None:
    table = TEXT.partition("| columns | type |")[2].partition("\n\n")[0]
    named = {line.partition("|")[2].partition("|")[0] for line in table.splitlines()[2:]}
    words = {word for cell in named for word in cell.split("`")[1::2]}
    assert words == set(COLUMNS)
