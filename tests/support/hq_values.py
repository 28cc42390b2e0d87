"""Devices with keys, and batches they sealed, for tests of HQ."""

import hashlib
import itertools
import uuid
from dataclasses import dataclass, field

from fieldsurvey.hq.devices import Devices
from fieldsurvey.hq.ledger import Arrival
from fieldsurvey.wire.batch import NO_PREVIOUS, BatchHeader, SealedBatch, seal
from fieldsurvey.wire.keys import Ed25519PrivateKey, public_key_text

NOW_UTC_US = 1_760_000_000_000_000
SURVEY = "0123456789abcdef0123456789abcdef"


@dataclass
class Laptop:
    """A device that seals batches of ``rows`` rows, one after the other."""

    device: str = field(default_factory=lambda: str(uuid.uuid4()))
    epoch: str = "00000000000000aa"
    token: str = ""
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    _previous: str = NO_PREVIOUS
    _batch_no: int = 0
    _next_seq: int = 1

    @property
    def public_key(self) -> str:
        return public_key_text(self.key.public_key())

    def enrol(self, devices: Devices, now_utc_us: int = NOW_UTC_US) -> "Laptop":
        """Enrol at HQ's ledger directly."""
        code = devices.new_code("device", 1.0, now_utc_us)
        self.device, self.token = devices.enrol(code, self.public_key, now_utc_us)
        return self

    def seal(
        self, rows: int = 10, payload: bytes = b"payload", schema: str = "test/1"
    ) -> SealedBatch:
        """Seal the next batch."""
        one = self.sealed(self._batch_no, self._next_seq, rows, payload, schema)
        self._previous = one.header_sha256
        self._batch_no += 1
        self._next_seq += rows
        return one

    def sealed(
        self,
        batch_no: int,
        first_seq: int,
        rows: int,
        payload: bytes = b"p",
        schema: str = "test/1",
    ) -> SealedBatch:
        """Seal any batch, whether it continues the epoch or not."""
        header = BatchHeader(
            self.device,
            self.epoch,
            SURVEY,
            batch_no,
            first_seq,
            first_seq + rows - 1,
            rows,
            schema,
            NOW_UTC_US,
            self._previous,
            hashlib.sha256(payload).hexdigest(),
        )
        return seal(header, payload, self.key)


_numbers = itertools.count()


def arrival(one: SealedBatch, code: str = "") -> Arrival:
    """A batch as the ledger is told of it; no file is made."""
    path = f"{one.header.device}/{one.header.epoch}/{one.header.batch_no}-{next(_numbers)}.fsb"
    return Arrival(one.header, one.sha256, path, len(one.content), code)
