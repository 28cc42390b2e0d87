"""Every laptop is a witness: HQ's log may only grow, and this looks whether it does.

A log that became shorter, or does not contain what it contained, is evidence to keep and to speak
of, and no reason to stop sending or to delete anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from fieldsurvey.sync.answers import Trouble, document_of, problem_of
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.answers import Proof
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import Checkpoint
from fieldsurvey.wire.merkle import verify_consistency

_CANNOT_PROVE = (400, 404, 409, 416, 422)


class LogVerdict(Enum):
    """``UNKNOWN``: HQ could not be asked; look again another time."""

    GROWN = "grown"
    SAME = "same"  # or an older statement of the same log
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LogFinding:
    """``detail`` is for whoever has to explain a broken log."""

    verdict: LogVerdict
    detail: str = ""


async def compare(
    ours: Checkpoint | None,
    theirs: Checkpoint,
    origin: str,
    consistency: Callable[[int, int], Awaitable[Answer]],
) -> LogFinding:
    """Judge the statement ``theirs`` by the newest one before it; both signatures are checked.

    ``origin`` is how the log was called at enrolment. ``consistency`` asks HQ for the proof that
    its log of one size begins with that of another.
    """
    if theirs.origin != (origin if ours is None else ours.origin):
        return LogFinding(LogVerdict.BROKEN, "another log was begun")
    if ours is None:
        return LogFinding(LogVerdict.GROWN)
    if ours.size == theirs.size:
        same = ours.root == theirs.root
        return LogFinding(
            LogVerdict.SAME if same else LogVerdict.BROKEN, "two logs of the same size"
        )
    if theirs.size == 0:
        return LogFinding(LogVerdict.BROKEN, "the log is empty")
    if ours.size == 0:
        return LogFinding(LogVerdict.GROWN)
    # An older statement may come late; then HQ can still show that ours follows from it.
    first, second = sorted((ours, theirs), key=lambda checkpoint: checkpoint.size)
    try:
        answer = await consistency(first.size, second.size)
        proof = _proof(answer)
        if not isinstance(proof, list):
            return LogFinding(LogVerdict.UNKNOWN)
        verify_consistency(first.size, first.root, second.size, second.root, proof)
    except TransportError:
        return LogFinding(LogVerdict.UNKNOWN)
    except WireError as error:
        return LogFinding(LogVerdict.BROKEN, str(error))
    return LogFinding(LogVerdict.GROWN if second is theirs else LogVerdict.SAME)


def _proof(answer: Answer) -> list[bytes] | Trouble:
    problem = problem_of(answer)
    if answer.status in _CANNOT_PROVE and problem is not None:
        raise WireError("proof", f"HQ gives none: {problem.code} {problem.detail}")
    proof = document_of(answer, Proof)
    if not isinstance(proof, Proof):
        return proof
    try:
        return [bytes.fromhex(text) for text in proof.hashes]
    except ValueError as error:
        raise WireError("proof", f"not hexadecimal: {error}") from error
