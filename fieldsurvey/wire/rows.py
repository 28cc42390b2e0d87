"""The rows of a batch as bytes and back: payloads of schema "rows/1" (FORMAT.md).

The ways in; how it is done lies in the modules named ``rows_*``. Nothing of Arrow is imported
before it is used.
"""

from fieldsurvey.wire.rows_dense import DENSE_COLUMNS, decode_rows, dense_and_records, dense_table
from fieldsurvey.wire.rows_model import SCHEMA, DriveEnd, Recorded, RefusedRow, Row
from fieldsurvey.wire.rows_reading import count_rows
from fieldsurvey.wire.rows_writing import encode_rows

__all__ = [
    "DENSE_COLUMNS",
    "SCHEMA",
    "DriveEnd",
    "Recorded",
    "RefusedRow",
    "Row",
    "count_rows",
    "decode_rows",
    "dense_and_records",
    "dense_table",
    "encode_rows",
]
