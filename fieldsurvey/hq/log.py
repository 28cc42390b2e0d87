"""HQ's log as a tree that grows: roots, proofs and signed checkpoints without hashing it all again.

The ledger's leaves are the log; this holds the hashes of its complete subtrees of 2^8 leaves and
more (a quarter of a byte per batch) and reads on where other processes appended. Checkpoints are
kept in the ledger, and the newest in ``log/checkpoint`` too, so that a ledger that lost its end is
found out.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fieldsurvey.hq.history import StoredCheckpoint
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import Checkpoint, checkpoint_from, sign_checkpoint
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    node_hash,
    root_hash,
    split,
)
from fieldsurvey.wire.whole_file import write_whole

_TILE_LEVEL = 8
_TILE = 1 << _TILE_LEVEL  # leaves
_READ_LEAVES = 64 * _TILE
CHECKPOINT_EVERY_S = 5.0


class MerkleLog:
    """The log of a ledger; from any thread."""

    def __init__(self, ledger: Ledger, key: Ed25519PrivateKey, folder: Path) -> None:
        self._ledger = ledger
        self._key = key
        self._newest_path = folder / "checkpoint"
        self._lock = threading.Lock()
        self._levels: list[list[bytes]] = [[]]  # complete subtrees of 2^(8 + n) leaves, in order
        self._newest: tuple[float, StoredCheckpoint] | None = None

    def check(self) -> None:
        """Compare the ledger with the newest checkpoint that was handed out.

        Raises KnownError ``hq.log_rewritten``: the ledger is older than that, or another.
        """
        try:
            note = self._newest_path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        try:
            promised = checkpoint_from(note, self._key.public_key())
            if promised.origin != self._ledger.log_origin:
                raise KnownError("hq.log_rewritten", size=promised.size, now=0)
            size = self._ledger.history.size()
            if size < promised.size or self.root(promised.size) != promised.root:
                raise KnownError("hq.log_rewritten", size=promised.size, now=size)
        except WireError as error:
            raise KnownError("hq.bad_checkpoint", path=self._newest_path, reason=error) from error

    def checkpoint(self, at_least: int = 0) -> str:
        """Return a signed note of the log as it is, or was a few seconds ago, but no shorter than
        ``at_least``."""
        with self._lock:
            now = time.monotonic()
            if self._newest is not None:
                signed_s, newest = self._newest
                if now < signed_s + CHECKPOINT_EVERY_S and newest.size >= at_least:
                    return newest.note
            size = self._ledger.history.size()
            if self._newest is None or self._newest[1].size != size:
                self._newest = now, self._sign(size)
            self._newest = now, self._newest[1]
            return self._newest[1].note

    def _sign(self, size: int) -> StoredCheckpoint:
        root = self._root(0, size)
        note = sign_checkpoint(Checkpoint(self._ledger.log_origin, size, root), self._key)
        stored = self._ledger.history.add_checkpoint(StoredCheckpoint(size, root.hex(), note))
        write_whole(self._newest_path, stored.note.encode())
        return stored

    def root(self, size: int) -> bytes:
        """Return the root of the first ``size`` leaves. Raises ValueError if there are fewer."""
        self._demand(size)
        with self._lock:
            return self._root(0, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that leaf ``index`` is in the tree of ``size`` (RFC 9162, 2.1.3.1)."""
        self._demand(size)
        with self._lock:
            return inclusion_proof(index, size, self._root)

    def consistency(self, first_size: int, size: int) -> list[bytes]:
        """Return the proof that the tree of ``size`` begins with that of ``first_size`` (2.1.4.1);
        nothing needs proving of the empty tree."""
        self._demand(size)
        if first_size == 0:
            return []
        with self._lock:
            return consistency_proof(first_size, size, self._root)

    def _demand(self, size: int) -> None:
        if not 0 <= size <= self._ledger.history.size():
            raise ValueError(f"the log has no {size} leaves")

    def _root(self, start: int, end: int) -> bytes:
        """Return the root of leaves ``start`` to ``end``, a subtree of the whole tree."""
        if start == end:
            return EMPTY_ROOT
        if end - start <= _TILE:
            return root_hash(self._ledger.history.leaves(start, end - start))
        size = end - start
        if size & (size - 1) == 0:
            return self._complete(size.bit_length() - 1 - _TILE_LEVEL, start // size)
        middle = start + split(size)
        return node_hash(self._root(start, middle), self._root(middle, end))

    def _complete(self, level: int, number: int) -> bytes:
        """Return the hash of a complete subtree, reading the ledger on as far as needed."""
        while len(self._levels) <= level or len(self._levels[level]) <= number:
            for tile in self._next_tiles():
                self._add(tile)
        return self._levels[level][number]

    def _next_tiles(self) -> Iterator[bytes]:
        leaves = self._ledger.history.leaves(len(self._levels[0]) * _TILE, _READ_LEAVES)
        if len(leaves) < _TILE:
            raise ValueError("the ledger has lost leaves of its log")
        for start in range(0, len(leaves) - _TILE + 1, _TILE):
            yield root_hash(leaves[start : start + _TILE])

    def _add(self, node: bytes) -> None:
        for level in range(len(self._levels) + 1):
            if level == len(self._levels):
                self._levels.append([])
            nodes = self._levels[level]
            nodes.append(node)
            if len(nodes) % 2:
                return
            node = node_hash(nodes[-2], nodes[-1])
