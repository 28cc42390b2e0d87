"""The sealed batches of one survey file, and how far each got on its way to HQ.

The database is the only memory: what is under way at this moment is nobody's state here, so a crash
leaves nothing to clean up. Rows are never touched. Signing is not done here, nor is a receipt's
signature checked. Used on the store thread only, like the file itself.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message
from fieldsurvey.store.codec import Row as Values
from fieldsurvey.store.codec import message_from_json, message_to_json
from fieldsurvey.store.driver import known_errors
from fieldsurvey.store.outbox_progress import (
    OutboxProgress,
    outbox_progress,
    recorded_rows,
    sealed_rows,
)
from fieldsurvey.store.outbox_rows import contiguous_rows
from fieldsurvey.store.outbox_tables import has_outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.wire.batch import NO_PREVIOUS, SealedBatch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.receipt import SignedReceipt, receipt_from
from fieldsurvey.wire.rows import Row

__all__ = ["BatchId", "Epoch", "NextBatch", "Outbox", "OutboxProgress"]


class BatchId(NamedTuple):
    """A batch of this file: its epoch and its number there."""

    epoch: str
    batch_no: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """One unbroken chain of batches. ``reason`` is a word: why it was begun."""

    epoch: str
    device: str
    first_seq: int
    created_utc_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class NextBatch:
    """What the next batch of the newest epoch must say of itself."""

    epoch: str
    batch_no: int
    first_seq: int
    prev_sha256: str


class Outbox:
    """What is sealed in ``survey``. A survey of an older schema, opened for reading, has nothing.

    Raises KnownError ``store.*`` where disk or file is to blame, ValueError for a batch that is not
    in the file; nothing is half-done then.
    """

    def __init__(self, survey: SurveyFile) -> None:
        self._survey = survey
        self._connection = survey.connection
        with known_errors(survey.path):
            (survey_id,) = self._connection.execute("SELECT survey_id FROM survey").fetchone()
        self.survey_id: str = survey_id

    # -- sealing ------------------------------------------------------------------------------

    def epochs(self) -> list[Epoch]:
        """Return all epochs, oldest first."""
        sql = "SELECT epoch, device, first_seq, created_utc_us, reason FROM epoch ORDER BY number"
        return [Epoch(*row) for row in self._rows(sql)]

    def epoch(self) -> Epoch | None:
        """Return the newest epoch: the only one that batches are added to."""
        return next(reversed(self.epochs()), None)

    def open_epoch(self, epoch: str, device: str, created_utc_us: int, reason: str) -> Epoch:
        """Begin a chain at the first row that is not sealed. ValueError if ``epoch`` was used."""
        with self._survey.transaction():
            if any(epoch == opened.epoch for opened in self.epochs()):
                raise ValueError(f"epoch {epoch} was opened before")
            first_seq = sealed_rows(self._connection) + 1
            opened = Epoch(epoch, device, first_seq, created_utc_us, reason)
            self._connection.execute(
                "INSERT INTO epoch (epoch, device, first_seq, created_utc_us, reason)"
                " VALUES (?, ?, ?, ?, ?)",
                (epoch, device, first_seq, created_utc_us, reason),
            )
        return opened

    def unsealed(self, limit_rows: int) -> list[Row]:
        """Return the rows after the last sealed one in order, at most ``limit_rows``.

        Samples come without their place. A row that was changed since it was recorded comes as a
        RefusedRow. Raises KnownError ``store.missing_row`` if the very next row is not there.
        """
        with known_errors(self._survey.path):
            first_seq = sealed_rows(self._connection) + 1
            last_seq = min(recorded_rows(self._connection), first_seq + limit_rows - 1)
            rows = contiguous_rows(self._connection, first_seq, last_seq)
        if not rows and first_seq <= last_seq:
            raise KnownError("store.missing_row", path=self._survey.path, seq=first_seq)
        return rows

    def next_batch(self) -> NextBatch:
        """Return how the newest epoch goes on. ValueError if there is none."""
        epoch = self.epoch()
        if epoch is None:
            raise ValueError("no epoch was opened")
        sql = "SELECT batch_no, header_sha256 FROM batch WHERE epoch = ? ORDER BY 1 DESC LIMIT 1"
        last = self._rows(sql, epoch.epoch)
        batch_no, prev_sha256 = last[0] if last else (-1, NO_PREVIOUS)
        with known_errors(self._survey.path):
            first_seq = sealed_rows(self._connection) + 1
        return NextBatch(epoch.epoch, batch_no + 1, first_seq, prev_sha256)

    def add_sealed(self, batch: SealedBatch) -> None:
        """Keep a batch, to be sent as it is. ValueError unless it goes on exactly where the file's
        last one ended, and says so."""
        header = batch.header
        with self._survey.transaction():
            said = NextBatch(header.epoch, header.batch_no, header.first_seq, header.prev_sha256)
            epoch = self.epoch()
            if (
                epoch is None
                or said != self.next_batch()
                or (header.device, header.survey) != (epoch.device, self.survey_id)
                or header.last_seq > recorded_rows(self._connection)
            ):
                raise ValueError(f"batch {header.batch_no} of {header.epoch} is not the next one")
            self._connection.execute(
                "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(header.first_seq, header.last_seq, header.epoch, header.batch_no),
                    *(header.rows, batch.sha256, batch.header_sha256, len(batch.content)),
                    header.created_utc_us,
                ),
            )
            self._connection.execute(
                "INSERT INTO batch_content VALUES (?, ?)", (header.first_seq, batch.content)
            )
            self._connection.execute(
                "INSERT INTO delivery VALUES (?, 'sealed', 0, 0, NULL, ?)",
                (header.first_seq, header.created_utc_us),
            )

    # -- delivering ---------------------------------------------------------------------------

    def waiting(self, limit: int, skip: Collection[BatchId] = ()) -> list[BatchId]:
        """Return batches that are neither acknowledged nor parked, oldest first."""
        sql = (
            "SELECT b.epoch, b.batch_no FROM delivery d JOIN batch b USING (first_seq)"
            " WHERE d.state = 'sealed' ORDER BY d.first_seq LIMIT ?"
        )
        waiting = (BatchId(*row) for row in self._rows(sql, limit + len(skip)))
        return [batch for batch in waiting if batch not in skip][:limit]

    def content(self, batch: BatchId) -> bytes | None:
        """Return the sealed bytes, not verified, or None if they were dropped."""
        sql = "SELECT content FROM batch_content WHERE first_seq = ?"
        found = self._rows(sql, self._first_seq(batch))
        return found[0][0] if found else None

    def acknowledge(self, batch: BatchId, receipt: SignedReceipt, now_utc_us: int) -> None:
        """Keep HQ's receipt, whose signature the caller has checked; the batch waits no more.

        ValueError if the receipt is of another batch or of other bytes.
        """
        with self._survey.transaction():
            first_seq = self._first_seq(batch)
            expected = self._rows(
                "SELECT e.device, b.epoch, b.batch_no, b.sha256"
                " FROM batch b JOIN epoch e USING (epoch) WHERE b.first_seq = ?",
                first_seq,
            )
            said = receipt.receipt
            if [(said.device, said.epoch, said.batch_no, said.sha256)] != expected:
                raise ValueError(f"not a receipt for batch {batch.batch_no} of {batch.epoch}")
            self._connection.execute(
                "INSERT OR IGNORE INTO receipt VALUES (?, ?)",
                (first_seq, receipt.to_bytes().decode()),
            )
            self._connection.execute(
                "UPDATE delivery SET state = 'acknowledged', reason = NULL, changed_utc_us = ?"
                " WHERE first_seq = ? AND state <> 'acknowledged'",
                (now_utc_us, first_seq),
            )

    def receipts(self) -> list[SignedReceipt]:
        """Return all receipts, by batch; two of one batch if HQ signed for it twice."""
        sql = "SELECT receipt FROM receipt ORDER BY first_seq, receipt ->> '$.receipt.log_index'"
        try:
            return [receipt_from(text.encode()) for (text,) in self._rows(sql)]
        except WireError as error:
            path = self._survey.path
            raise KnownError("store.damaged", path=path, detail=str(error)) from error

    def note_failure(self, batch: BatchId, reason: Message, now_utc_us: int) -> int:
        """Count an attempt that HQ refused, and say why. Returns the failures so far."""
        return self._fail(batch, "sealed", reason, now_utc_us, 1)

    def park(self, batch: BatchId, reason: Message, now_utc_us: int) -> None:
        """Send this batch no more until :meth:`unpark_all`. One acknowledged meanwhile stays so."""
        self._fail(batch, "parked", reason, now_utc_us, 0)

    def _fail(
        self, batch: BatchId, state: str, reason: Message, now_utc_us: int, failures: int
    ) -> int:
        with self._survey.transaction():
            first_seq = self._first_seq(batch)
            self._connection.execute(
                "UPDATE delivery SET state = ?, reason = ?, changed_utc_us = ?,"
                " failures = failures + ? WHERE first_seq = ? AND state = 'sealed'",
                (state, message_to_json(reason), now_utc_us, failures, first_seq),
            )
            ((so_far,),) = self._rows(
                "SELECT failures FROM delivery WHERE first_seq = ?", first_seq
            )
        return int(so_far)

    def parked(self) -> list[tuple[BatchId, Message]]:
        """Return what is parked, oldest first, and why."""
        sql = (
            "SELECT b.epoch, b.batch_no, d.reason FROM delivery d JOIN batch b USING (first_seq)"
            " WHERE d.state = 'parked' ORDER BY d.first_seq"
        )
        return [(BatchId(*batch), message_from_json(why)) for *batch, why in self._rows(sql)]

    def unpark_all(self) -> int:
        """Let parked batches wait again, with a clean record. Returns how many."""
        return self._changed(
            "UPDATE delivery SET state = 'sealed', failures = 0 WHERE state = 'parked'"
        )

    def acknowledged(self, epoch: str) -> list[int]:
        """Return the numbers of an epoch's acknowledged batches, in order."""
        sql = (
            "SELECT b.batch_no FROM batch b JOIN delivery d USING (first_seq)"
            " WHERE b.epoch = ? AND d.state = 'acknowledged' ORDER BY b.batch_no"
        )
        return [batch_no for (batch_no,) in self._rows(sql, epoch)]

    def mark_durable(self, epoch: str, upto: int, now_utc_us: int) -> None:
        """Believe HQ that it holds acknowledged batches up to ``upto`` twice, and no others: a
        restored HQ may hold less than it did."""
        self._changed(
            "UPDATE delivery SET durable = NOT durable, changed_utc_us = ?3"
            " WHERE state = 'acknowledged' AND first_seq IN ("
            "  SELECT b.first_seq FROM batch b JOIN delivery d USING (first_seq)"
            "  WHERE b.epoch = ?1 AND d.durable <> (b.batch_no <= ?2))",
            *(epoch, upto, now_utc_us),
        )

    def reoffer(self, epoch: str, batch_nos: Collection[int]) -> int:
        """Let acknowledged batches wait again that HQ no longer has. Returns how many; those whose
        bytes were dropped cannot be sent again."""
        return self._changed(
            "UPDATE delivery SET state = 'sealed', durable = 0, failures = 0"
            " WHERE state = 'acknowledged' AND first_seq IN ("
            "  SELECT b.first_seq FROM batch b JOIN batch_content USING (first_seq)"
            "  WHERE b.epoch = ? AND b.batch_no IN (SELECT value FROM json_each(?)))",
            *(epoch, json.dumps(sorted(batch_nos))),
        )

    def drop_contents(self, older_than_utc_us: int) -> int:
        """Drop sealed bytes that have been durable at HQ since before that time. Returns how many;
        the rows they were made of stay."""
        return self._changed(
            "DELETE FROM batch_content WHERE first_seq IN ("
            " SELECT first_seq FROM delivery WHERE durable = 1 AND changed_utc_us < ?)",
            older_than_utc_us,
        )

    # -- looking ------------------------------------------------------------------------------

    def progress(self) -> OutboxProgress:
        """Count. Cheap enough to ask every second."""
        with known_errors(self._survey.path):
            return outbox_progress(self._connection)

    def _first_seq(self, batch: BatchId) -> int:
        sql = "SELECT first_seq FROM batch WHERE epoch = ? AND batch_no = ?"
        found = self._rows(sql, *batch)
        if not found:
            raise ValueError(f"no batch {batch.batch_no} of {batch.epoch} in this file")
        return int(found[0][0])

    def _changed(self, sql: str, *arguments: object) -> int:
        with self._survey.transaction():
            return int(self._connection.execute(sql, arguments).rowcount)

    def _rows(self, sql: str, *arguments: object) -> list[Values]:
        with known_errors(self._survey.path):
            if not has_outbox(self._connection):
                return []
            return list(self._connection.execute(sql, arguments).fetchall())
