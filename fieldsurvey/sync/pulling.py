"""After all batches: brings what HQ has issued and this laptop has not, piece by piece.

It believes only HQ's signature, no version older than one that came, and no bytes but those that
were signed for. It never delays a batch: what goes wrong here is tried again another time.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.sync.answers import document_of
from fieldsurvey.sync.issued_folder import Came, IssuedFolder, key_of
from fieldsurvey.sync.parts import Parts
from fieldsurvey.sync.policy import REQUEST_BYTES, fits
from fieldsurvey.sync.quiet import unless_busy
from fieldsurvey.sync.transport import Answer, TransportError
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.issued import Issued, IssuedKind, IssuedList, SignedIssued

PIECE_BYTES = 128 * 1024  # is lost at most, when a test takes the link

Check = Callable[[IssuedKind, Path], None]  # raises KnownError for what cannot be used


async def pull(parts: Parts, check: Check, *, over_budget: bool) -> bool:
    """Bring what is newer; False if not all of it could come now.

    Raises TestRuns, and KnownError if the profile cannot be written.
    """
    folder = IssuedFolder(parts.profile.issued_path)
    try:
        answer = await unless_busy(parts.busy, parts.transport.issued())
        listed = document_of(answer, IssuedList)
        if not isinstance(listed, IssuedList):
            return False  # an older HQ, or none of ours
        came = (await parts.on_store(lambda _: folder.memory())).came
        refused: list[Message] = []
        done = True
        for signed in listed.issued:
            one = signed.issued
            problem = _problem_with(signed, parts, came.get(key_of(one), Came()))
            if problem is not None:
                refused.append(problem)
            elif _is_newer(one, came.get(key_of(one), Came())):
                if not await _gather(parts, folder, one, over_budget=over_budget):
                    done = False
                elif not await parts.on_store(lambda _, one=one: folder.is_right(one)):  # type: ignore[misc]
                    refused.append(message("sync.issued_wrong", **_named(one)))
                else:
                    await _conclude(parts, folder, signed, check)
        await parts.on_store(lambda _: folder.note_refused(refused))
    except TransportError:
        return False
    return done


def _problem_with(signed: SignedIssued, parts: Parts, before: Came) -> Message | None:
    """Say why a statement is not believed, whatever bytes there are to it."""
    one, newest = signed.issued, before.newest
    try:
        signed.verify(parts.enrolment.hq_key)
    except WireError as error:
        return message("sync.issued_forged", **_named(one), detail=error.detail)
    if newest is None or one.version > newest.version:
        return None
    if one.version < newest.version or one.sha256 != newest.sha256:
        return message("sync.issued_older", **_named(one), newest=newest.version)
    return None


def _is_newer(one: Issued, before: Came) -> bool:
    return before.newest is None or one.version > before.newest.version


def _named(one: Issued) -> dict[str, object]:
    return {"kind": one.kind.value, "name": one.name, "version": one.version}


async def _gather(parts: Parts, folder: IssuedFolder, one: Issued, *, over_budget: bool) -> bool:
    """Fetch the pieces that lack; False if the budget or HQ has no more now."""
    there_bytes = await parts.on_store(lambda _: folder.part_bytes(one))
    while there_bytes < one.size_bytes:
        wanted_bytes = min(PIECE_BYTES, one.size_bytes - there_bytes)
        if not await _charged(parts, wanted_bytes + REQUEST_BYTES, over_budget=over_budget):
            return False
        asking = parts.transport.issued_part(one.sha256, there_bytes, wanted_bytes)
        answer = await unless_busy(parts.busy, asking)
        if not _is_piece(answer, there_bytes, wanted_bytes):
            return False
        await parts.on_store(lambda _, body=answer.body: folder.append(one, body))  # type: ignore[misc]
        there_bytes += len(answer.body)
    if not one.size_bytes:
        await parts.on_store(lambda _: folder.append(one, b""))
    return True


def _is_piece(answer: Answer, first_byte: int, wanted_bytes: int) -> bool:
    """Tell whether an answer is some of what was asked for, from where it was asked for."""
    begins = answer.headers.get("content-range", "").startswith(f"bytes {first_byte}-")
    return answer.status == 206 and begins and 0 < len(answer.body) <= wanted_bytes


async def _charged(parts: Parts, cost_bytes: int, *, over_budget: bool) -> bool:
    """Charge what is about to come; False if the day's budget has no room for it."""
    now_utc_us = parts.clock.utc_us()

    def charge() -> bool:
        spent = parts.profile.spent().plus(cost_bytes, now_utc_us)
        if not over_budget and not fits(spent, parts.enrolment.budget_bytes_per_day):
            return False
        parts.profile.keep_spent(spent)
        return True

    return await parts.on_store(lambda _: charge())


async def _conclude(parts: Parts, folder: IssuedFolder, signed: SignedIssued, check: Check) -> None:
    """Offer what came, unless it cannot be used here."""
    try:
        await asyncio.to_thread(check, signed.issued.kind, folder.part_path(signed.issued))
    except KnownError as error:
        reason = error.message
        await parts.on_store(lambda _: folder.set_aside(signed, reason))
        return
    await parts.on_store(lambda _: folder.offer(signed))
