"""A headquarters in memory that answers as the real one does, for simulations of years."""

import copy
import hashlib

import msgspec

from fieldsurvey.sync.profile import Enrolment
from fieldsurvey.sync.transport import Answer
from fieldsurvey.wire.answers import (
    PROTOCOL,
    Enrolled,
    EnrolRequest,
    EpochState,
    Hello,
    Problem,
    Proof,
    RecoveryCopy,
    RecoveryKept,
)
from fieldsurvey.wire.batch import MAX_BATCH_BYTES, SealedBatch, parse_batch
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import Checkpoint, sign_checkpoint
from fieldsurvey.wire.keys import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
    bytes_of,
    public_key_from,
    public_key_text,
    verify,
)
from fieldsurvey.wire.merkle import consistency_proof, leaf_hash, root_hash, subtrees_of
from fieldsurvey.wire.receipt import Receipt, ReceiptState, SignedReceipt, sign_receipt
from fieldsurvey.wire.recovery import X25519PrivateKey, recovery_key_text, unwrap
from tests.support.sync_batches import DEVICE

ORIGIN = "hq.example/log"
TOKEN = "token"
CODE = "one-time-code"
Held = dict[tuple[str, str, int], dict[str, tuple[SealedBatch, SignedReceipt]]]


class SimulatedHq:
    """Holds every batch under its number, two different ones of one number as well. Anybody may
    bring what a device in ``devices`` has sealed."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.devices: dict[str, Ed25519PublicKey] = {}
        self.held: Held = {}
        self.leaves: list[bytes] = []
        self.durable_upto: dict[str, int] = {}
        self.revoked = False
        self.encrypt = False
        self.recovery_key = X25519PrivateKey.generate()
        self.file_keys: list[bytes] = []
        self.clock_utc_us = 1_760_000_000_000_000
        self.puts = 0

    def enrolment(self, device_key: Ed25519PublicKey) -> Enrolment:
        """Return what a laptop keeps that is enrolled here."""
        return Enrolment(
            DEVICE,
            "http://127.0.0.1:1",
            TOKEN,
            public_key_text(self.key.public_key()),
            ORIGIN,
            public_key_text(device_key),
        )

    # -- what the network carries ---------------------------------------------------------------

    def hello(self) -> Answer:
        key = public_key_text(self.key.public_key())
        return _json(
            200,
            Hello("hq", self.clock_utc_us, (PROTOCOL,), ("rows/1",), MAX_BATCH_BYTES, 4, key),
        )

    def enrol(self, request: EnrolRequest) -> Answer:
        key = public_key_from(request.public_key)
        try:
            verify(key, "enrolment", request.code.encode(), bytes_of(request.signature))
        except WireError:
            return _json(403, Problem("signature"))
        known = self.devices.get(DEVICE, key)
        if request.code != CODE or known.public_bytes_raw() != key.public_bytes_raw():
            return _json(403, Problem("code", "unknown or used"))
        self.devices[DEVICE] = key
        own = public_key_text(self.key.public_key())
        recovery_key = recovery_key_text(self.recovery_key.public_key()) if self.encrypt else ""
        return _json(201, Enrolled(DEVICE, TOKEN, own, ORIGIN, self.encrypt, recovery_key))

    def recovery(self, device: str, token: str, copy: RecoveryCopy) -> Answer:
        if token != TOKEN:
            return _json(401, Problem("unknown_token"))
        self.file_keys.append(unwrap(copy, self.recovery_key, device))
        return _json(200, RecoveryKept(copy.key_id))

    def state(self, epoch: str) -> Answer:
        if self.revoked:
            return _json(403, Problem("revoked"))
        numbers = sorted(no for _, held_epoch, no in self.held if held_epoch == epoch)
        have: list[tuple[int, int]] = []
        for no in numbers:
            if have and have[-1][1] == no - 1:
                have[-1] = (have[-1][0], no)
            else:
                have.append((no, no))
        upto = self.durable_upto.get(epoch, -1)
        return _json(200, EpochState(tuple(have), upto, (), self.checkpoint()))

    def put(self, content: bytes, epoch: str, batch_no: int) -> Answer:
        self.puts += 1
        if self.revoked:
            return _json(403, Problem("revoked"))
        try:
            batch = parse_batch(content)
            device_key = self.devices.get(batch.header.device)
            if device_key is None:
                return _json(422, Problem("unknown_device"))
            batch.verify(device_key)
        except WireError as error:
            return _json(422 if error.code == "signature" else 400, Problem(error.code))
        header = batch.header
        if (header.epoch, header.batch_no) != (epoch, batch_no):
            return _json(422, Problem("ids"))
        same_number = self.held.setdefault((header.device, header.epoch, header.batch_no), {})
        replay = batch.sha256 in same_number
        if not replay:
            state = ReceiptState.CONFLICT if same_number else ReceiptState.LANDED
            same_number[batch.sha256] = (batch, self._sign(batch, state))
        signed = same_number[batch.sha256][1]
        document = {**msgspec.to_builtins(signed), "replay": replay}
        status = 202 if signed.receipt.state is ReceiptState.CONFLICT else 200 if replay else 201
        return Answer(status, {"content-type": "application/json"}, msgspec.json.encode(document))

    def consistency(self, first: int, size: int) -> Answer:
        if not 0 < first <= size <= len(self.leaves):
            return _json(404, Problem("size", f"the log has {len(self.leaves)}"))
        proof = consistency_proof(first, size, subtrees_of(self.leaves))
        return _json(200, Proof(tuple(node.hex() for node in proof)))

    def checkpoint(self) -> str:
        """Return the signed note of the log as it is."""
        now = Checkpoint(ORIGIN, len(self.leaves), root_hash(self.leaves))
        return sign_checkpoint(now, self.key)

    def _sign(self, batch: SealedBatch, state: ReceiptState) -> SignedReceipt:
        header = batch.header
        receipt = Receipt(
            header.device,
            header.epoch,
            header.batch_no,
            batch.sha256,
            header.rows,
            self.clock_utc_us,
            len(self.leaves),
            state,
        )
        self.leaves.append(leaf_hash(receipt.leaf()))
        return sign_receipt(receipt, self.key)

    # -- what happens to it ---------------------------------------------------------------------

    def backup(self) -> tuple[Held, list[bytes]]:
        """Copy everything to a second disk: what is held so far without a gap becomes durable."""
        for epoch in {epoch for _, epoch, _ in self.held}:
            upto = -1
            while (DEVICE, epoch, upto + 1) in self.held:
                upto += 1
            self.durable_upto[epoch] = upto
        return copy.copy(self.held), list(self.leaves)

    def restore(self, backup: tuple[Held, list[bytes]]) -> None:
        """Lose what came after ``backup``."""
        self.held = {number: dict(batches) for number, batches in backup[0].items()}
        self.leaves = list(backup[1])

    def holds(self, content: bytes) -> bool:
        """True if exactly these bytes are here."""
        header = parse_batch(content).header
        held = self.held.get((header.device, header.epoch, header.batch_no), {})
        return hashlib.sha256(content).hexdigest() in held

    def seqs(self) -> set[int]:
        """Return the numbers of all rows that are here."""
        return {
            seq
            for batches in self.held.values()
            for batch, _ in batches.values()
            for seq in range(batch.header.first_seq, batch.header.last_seq + 1)
        }


def _json(status: int, document: object) -> Answer:
    return Answer(status, {"content-type": "application/json"}, msgspec.json.encode(document))
