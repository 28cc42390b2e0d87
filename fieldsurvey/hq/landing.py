"""From the network, or a bundle, to a receipt: the one way a batch comes to HQ.

Only what cannot be told from noise is refused: wrong framing, a stranger's signature. All else is
kept for good first and judged afterwards. A receipt is given only when the bytes and the ledger's
row have reached the disk; the same bytes again get the same receipt.
"""

import asyncio
import base64
import binascii
import errno
import functools
import logging
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from fieldsurvey.hq.home import Home
from fieldsurvey.hq.ledger import Arrival, Ledger
from fieldsurvey.hq.raw_files import RawFiles
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.hq.spool import SpoolFile
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.batch import SealedBatch, parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import Ed25519PrivateKey, public_key_from
from fieldsurvey.wire.receipt import SignedReceipt, sign_receipt
from fieldsurvey.wire.rows import SCHEMA, count_rows

_log = logging.getLogger(__name__)

KNOWN_SCHEMAS = (SCHEMA,)
BUSY_RETRY_S = 10
REVOKED = "revoked"  # the code of such a batch

_WRITE_BYTES = 128 * 1024  # of one body in memory, before it goes to the spool
_THREADS = 4
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]*):")
T = TypeVar("T")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Landed:
    """HQ's word. ``replay``: these bytes had been here before."""

    signed: SignedReceipt
    replay: bool


class Landing:
    """Lands batches of any device; one per process."""

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        key: Ed25519PrivateKey,
        utc_us: Callable[[], int],
        max_bytes: int,
    ) -> None:
        self._ledger = ledger
        self._key = key
        self._utc_us = utc_us
        self._max_bytes = max_bytes
        self._spool = home.spool
        self._raw = RawFiles(home.raw_shelf())
        self._threads = ThreadPoolExecutor(_THREADS, "landing")

    def close(self) -> None:
        self._threads.shutdown()

    async def land(
        self,
        device: str,
        epoch: str,
        batch_no: int,
        chunks: AsyncIterator[bytes],
        digest: str | None,
    ) -> Landed:
        """Keep the batch that ``chunks`` are and return its receipt.

        ``device``, ``epoch``, ``batch_no``: what the sender says it is. ``digest``: the header
        Content-Digest (RFC 9530). Raises Refusal, and what ``chunks`` raises.
        """
        spooled = SpoolFile(self._spool)
        try:
            tail = await self._receive(spooled, chunks)
            return await self._in_thread(
                lambda: self._finish(spooled, tail, (device, epoch, batch_no), digest)
            )
        except OSError as error:
            code = "disk_full" if error.errno in _FULL else "storage"
            raise Refusal(503, code, error.strerror or "", BUSY_RETRY_S) from error
        except KnownError as error:
            _log.warning("%s", error)  # it names a place that is no business of the sender's
            raise Refusal(503, "storage", "", BUSY_RETRY_S) from error
        except SQLAlchemyError as error:
            raise Refusal(503, "ledger", "", BUSY_RETRY_S) from error
        finally:
            spooled.discard()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _receive(self, spooled: SpoolFile, chunks: AsyncIterator[bytes]) -> bytes:
        """Spool what comes; return the end of it, not yet written."""
        total_bytes = 0
        waiting = bytearray()
        async for chunk in chunks:
            total_bytes += len(chunk)
            if total_bytes > self._max_bytes:
                raise Refusal(413, "too_large", f"more than {self._max_bytes} bytes")
            waiting += chunk
            if len(waiting) >= _WRITE_BYTES:
                await self._in_thread(functools.partial(spooled.write, bytes(waiting)))
                waiting.clear()
        return bytes(waiting)

    def _finish(
        self, spooled: SpoolFile, tail: bytes, ids: tuple[str, str, int], digest: str | None
    ) -> Landed:
        """Check, keep, enter, sign. In a thread."""
        spooled.write(tail)
        if digest is not None:
            _check_digest(digest, spooled.sha256)
        sealed = self.checked(spooled.path.read_bytes(), ids)
        path = self._raw.keep(spooled, sealed.header)
        return self.enter(sealed, path)

    def checked(self, content: bytes, ids: tuple[str, str, int]) -> SealedBatch:
        """Return the batch, sealed by the device it names. Raises Refusal."""
        try:
            sealed = parse_batch(content)
            header = sealed.header
            if ids != (header.device, header.epoch, header.batch_no):
                raise Refusal(422, "ids", "the header names another batch than the address")
            device = self._ledger.devices.find(header.device)
            if device is None:
                raise Refusal(422, "unknown_device", header.device)
            sealed.verify(public_key_from(device.public_key))
        except WireError as error:
            raise Refusal(422, error.code, error.detail) from error
        return sealed

    def enter(self, sealed: SealedBatch, path: str, received_utc_us: int | None = None) -> Landed:
        """Enter a batch that lies in ``raw`` for good, and sign its receipt.

        ``received_utc_us``: when it came, if not now. What a revoked device sealed may be honest,
        and be all there is: it is kept, and used once an operator says so.
        """
        now_utc_us = received_utc_us or self._utc_us()
        code, detail = judge(sealed)
        if not code and self._is_revoked(sealed.header.device, now_utc_us):
            code, detail = REVOKED, sealed.header.device
        arrival = Arrival(sealed.header, sealed.sha256, path, len(sealed.content), code, detail)
        receipt, replay = self._ledger.append(arrival, now_utc_us)
        return Landed(sign_receipt(receipt, self._key), replay)

    def _is_revoked(self, device: str, at_utc_us: int) -> bool:
        found = self._ledger.devices.find(device)
        revoked_utc_us = found.revoked_utc_us if found else None
        return revoked_utc_us is not None and revoked_utc_us <= at_utc_us


def judge(sealed: SealedBatch) -> tuple[str, str]:
    """Return why a batch cannot be used (a word and a detail), or two empty texts."""
    header = sealed.header
    if header.schema not in KNOWN_SCHEMAS:
        return "schema", header.schema
    try:
        rows = count_rows(sealed.payload)
    except WireError as error:
        return error.code, error.detail
    except Exception as error:  # noqa: BLE001 - a payload must not be able to stop its landing
        return "payload", repr(error)
    if rows != header.rows:
        return "rows", f"{rows} in the payload, {header.rows} in the header"
    return "", ""


def _check_digest(field: str, sha256: bytes) -> None:
    """Compare a Content-Digest; one of other algorithms only is as good as none."""
    if "sha-256=" not in field:
        return
    match = _DIGEST.search(field)
    try:
        expected = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error as error:
        raise Refusal(400, "digest", "Content-Digest cannot be read") from error
    if expected != sha256:
        raise Refusal(400, "digest", "not what was sent: damaged on the way")
