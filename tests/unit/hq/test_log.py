"""The growing tree says what the whole tree would, however large, and however it was read."""

import hashlib
import random
from pathlib import Path

import pytest

from fieldsurvey.hq.history import History, StoredCheckpoint
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.log import MerkleLog
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.checkpoint import checkpoint_from
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.merkle import (
    consistency_proof,
    inclusion_proof,
    root_hash,
    subtrees_of,
    verify_consistency,
    verify_inclusion,
)
from tests.support.hq_values import NOW_UTC_US, Laptop, arrival

KEY = Ed25519PrivateKey.generate()


class _Leaves(History):
    """A history of leaves alone; counts how many are read."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.all = leaves
        self.read = 0
        self.kept: dict[int, StoredCheckpoint] = {}

    def size(self) -> int:
        return len(self.all)

    def leaves(self, first: int, limit: int) -> list[bytes]:
        self.read += len(self.all[first : first + limit])
        return self.all[first : first + limit]

    def add_checkpoint(self, one: StoredCheckpoint) -> StoredCheckpoint:
        return self.kept.setdefault(one.size, one)


class _Ledger(Ledger):
    def __init__(self, leaves: list[bytes]) -> None:
        self.history = _Leaves(leaves)
        self.log_origin = "hq.test/log/0"


def _leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(n.to_bytes(8)).digest() for n in range(count)]


def _log(leaves: list[bytes], folder: Path) -> MerkleLog:
    return MerkleLog(_Ledger(leaves), KEY, folder)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1023, 1500, 2048])
def test_roots_and_proofs_are_those_of_the_whole_tree(count: int, tmp_path: Path) -> None:
    leaves = _leaves(count)
    log = _log(leaves, tmp_path)
    chance = random.Random(count)
    assert log.root(count) == root_hash(leaves)
    for _ in range(20 if count else 0):
        size = chance.randint(1, count)
        index = chance.randrange(size)
        first = chance.randint(1, size)
        assert log.root(size) == root_hash(leaves[:size])
        assert log.inclusion(index, size) == inclusion_proof(index, size, subtrees_of(leaves))
        assert log.consistency(first, size) == consistency_proof(first, size, subtrees_of(leaves))


def test_a_log_that_others_extend_is_read_on(tmp_path: Path) -> None:
    leaves = _leaves(700)
    growing = leaves[:300]
    log = _log(growing, tmp_path)
    assert log.root(300) == root_hash(leaves[:300])
    growing.extend(leaves[300:])
    assert log.root(700) == root_hash(leaves)
    proof = log.consistency(300, 700)
    verify_consistency(300, root_hash(leaves[:300]), 700, root_hash(leaves), proof)


def test_nothing_is_hashed_twice(tmp_path: Path) -> None:
    leaves = _leaves(30_000)
    ledger = _Ledger(leaves)
    log = MerkleLog(ledger, KEY, tmp_path)
    root = log.root(30_000)
    history = ledger.history
    assert isinstance(history, _Leaves)
    history.read = 0
    assert log.root(30_000) == root
    verify_inclusion(12_345, 30_000, leaves[12_345], log.inclusion(12_345, 30_000), root)
    assert history.read < 3_000  # of 30,000: the tiles on the way


def test_nonsense_is_an_error(tmp_path: Path) -> None:
    log = _log(_leaves(10), tmp_path)
    for wrong in (
        lambda: log.root(11),
        lambda: log.inclusion(10, 10),
        lambda: log.inclusion(-1, 10),
        lambda: log.inclusion(0, 0),
        lambda: log.consistency(5, 4),
        lambda: log.consistency(1, 11),
    ):
        with pytest.raises(ValueError, match=r"leaf|leaves|tree"):
            wrong()
    assert log.consistency(0, 10) == log.consistency(10, 10) == []


def test_checkpoints_are_signed_kept_and_checked(ledger: Ledger, tmp_path: Path) -> None:
    laptop = Laptop()
    for _ in range(3):
        ledger.append(arrival(laptop.seal()), NOW_UTC_US)
    log = MerkleLog(ledger, KEY, tmp_path)
    note = log.checkpoint()
    one = checkpoint_from(note, KEY.public_key())
    assert (one.origin, one.size) == (ledger.log_origin, 3)
    assert one.root == root_hash(ledger.history.leaves(0, 3))
    assert ledger.history.last_checkpoint() == StoredCheckpoint(3, one.root.hex(), note)
    ledger.append(arrival(laptop.seal()), NOW_UTC_US)
    assert log.checkpoint() == note  # some seconds old, no more
    log.check()
    MerkleLog(ledger, KEY, tmp_path).check()


@pytest.mark.parametrize("kept", [0, 2], ids=["all lost", "the end lost"])
def test_a_ledger_older_than_its_promises_is_found_out(kept: int, tmp_path: Path) -> None:
    leaves = _leaves(3)
    _log(leaves, tmp_path).checkpoint()
    with pytest.raises(KnownError) as caught:
        _log(leaves[:kept], tmp_path).check()
    assert caught.value.message.id == "hq.log_rewritten"


def test_a_ledger_with_other_entries_is_found_out(tmp_path: Path) -> None:
    leaves = _leaves(3)
    _log(leaves, tmp_path).checkpoint()
    with pytest.raises(KnownError) as caught:
        _log([*leaves[:2], bytes(32), leaves[0]], tmp_path).check()
    assert caught.value.message.id == "hq.log_rewritten"


def test_a_damaged_promise_is_told(tmp_path: Path) -> None:
    _log(_leaves(3), tmp_path).checkpoint()
    path = tmp_path / "checkpoint"
    path.write_text(path.read_text(encoding="utf-8").replace("\n3\n", "\n2\n"), encoding="utf-8")
    with pytest.raises(KnownError) as caught:
        _log(_leaves(3), tmp_path).check()
    assert caught.value.message.id == "hq.bad_checkpoint"
