"""Every way a log can contradict itself is found, and no honest log is suspected."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.model.throughput import Cause
from fieldsurvey.sync.log_watch import LogVerdict, compare
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.answers import Problem, Proof
from fieldsurvey.wire.checkpoint import Checkpoint
from fieldsurvey.wire.merkle import consistency_proof, leaf_hash, root_hash, subtrees_of

LEAVES = [leaf_hash(b"%d" % number) for number in range(20)]


def at(size: int, leaves: Sequence[bytes] = LEAVES, origin: str = "log") -> Checkpoint:
    return Checkpoint(origin, size, root_hash(leaves[:size]))


def judge(
    ours: Checkpoint | None, theirs: Checkpoint, leaves: Sequence[bytes] = LEAVES
) -> LogVerdict:
    """Let an HQ that holds ``leaves`` answer."""

    async def consistency(first: int, size: int) -> Answer:
        if not 0 < first <= size <= len(leaves):
            return Answer(404, {}, msgspec.json.encode(Problem("no_such_tree")))
        proof = Proof(
            tuple(node.hex() for node in consistency_proof(first, size, subtrees_of(leaves)))
        )
        return Answer(200, {}, msgspec.json.encode(proof))

    return asyncio.run(compare(ours, theirs, "log", consistency)).verdict


@given(first=st.integers(0, 20), second=st.integers(0, 20))
def test_an_honest_log_is_never_suspected(first: int, second: int) -> None:
    verdict = judge(at(first), at(second))
    if second > first:
        assert verdict is LogVerdict.GROWN
    elif second > 0 or first == second:
        assert verdict is LogVerdict.SAME


@given(first=st.integers(1, 20), second=st.integers(1, 20), data=st.data())
def test_a_log_that_was_rewritten_is_found(first: int, second: int, data: st.DataObject) -> None:
    changed = data.draw(st.integers(0, first - 1))
    leaves = [*LEAVES[:changed], leaf_hash(b"other"), *LEAVES[changed + 1 :]]
    verdict = judge(at(first), at(second, leaves), leaves)
    if second > changed:
        assert verdict is LogVerdict.BROKEN


def test_a_log_that_was_cut_is_found() -> None:
    assert judge(at(12), at(7), LEAVES[:7]) is LogVerdict.BROKEN
    assert judge(at(12), at(0), []) is LogVerdict.BROKEN


def test_another_log_under_the_same_key_is_found() -> None:
    assert judge(at(5), at(9, origin="new")) is LogVerdict.BROKEN
    assert judge(None, at(9, origin="new")) is LogVerdict.BROKEN
    assert judge(None, at(9)) is LogVerdict.GROWN
    assert judge(at(5, origin="new"), at(9, origin="new")) is LogVerdict.GROWN


@pytest.mark.parametrize("status", [429, 500, 502, 200])
def test_who_does_not_answer_is_not_guilty(status: int) -> None:
    async def consistency(first: int, size: int) -> Answer:
        if status == 500:
            raise TransportError(Cause.CUT_OFF)
        return Answer(status, {"content-type": "text/html"}, b"<html>")

    finding = asyncio.run(compare(at(3), at(5), "log", consistency))
    assert finding.verdict is LogVerdict.UNKNOWN
