"""``fieldsurvey sync``: bring surveys to headquarters, over a network or on a stick."""

import asyncio
import contextlib
import dataclasses
import datetime
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from fieldsurvey.cli.profile import profile_option
from fieldsurvey.cli.shell import Shell, print_json, surveys_dir
from fieldsurvey.cli.sync_fetch import fetch_command
from fieldsurvey.cli.sync_issued import issued_document, issued_memory, show_all, tell_new
from fieldsurvey.cli.sync_options import JSON, PATH, profile_at
from fieldsurvey.cli.sync_policy import policy_command
from fieldsurvey.drive.issued_check import check_issued
from fieldsurvey.model.clock import US_PER_S, SystemClock
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.store import file_key
from fieldsurvey.store.codec import message_from_json
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.sync import carrying
from fieldsurvey.sync.enrolment import check_url, enrol
from fieldsurvey.sync.http_transport import HttpTransport
from fieldsurvey.sync.loop import Syncer
from fieldsurvey.sync.parts import Parts, new_epoch
from fieldsurvey.sync.profile import Enrolment, Profile
from fieldsurvey.sync.progress import SyncProgress, SyncState, progress_of

T = TypeVar("T")


@click.group(name="sync")
def command() -> None:
    """Bring surveys to headquarters: over a network, or as a file on a stick."""


command.add_command(fetch_command)
command.add_command(policy_command)


@command.command(name="enrol")
@click.argument("url")
@click.argument("code")
@click.option("--ca", "ca_path", type=PATH, help="Certificates of headquarters' own authority.")
@profile_option
@click.pass_obj
def enrol_command(
    shell: Shell, url: str, code: str, ca_path: Path | None, profile_path: Path | None
) -> None:
    """Enrol this laptop at the headquarters at URL with a one-time CODE."""
    url = check_url(url)
    ca_pem = "" if ca_path is None else _read_text(ca_path)
    enrolment = asyncio.run(enrol_at(url, code, profile_at(profile_path), ca_pem))
    shell.tell("sync.enrolled", url=url, device=enrolment.device)
    if file_key.for_new_file() is not None:
        shell.tell("sync.encrypting")


@command.command(name="now")
@click.argument("surveys", type=PATH, nargs=-1)
@click.option("--over-budget", is_flag=True, help="Send though today's data is used up.")
@JSON
@profile_option
@click.pass_obj
def now(
    shell: Shell,
    surveys: tuple[Path, ...],
    over_budget: bool,
    as_json: bool,
    profile_path: Path | None,
) -> None:
    """Send everything in SURVEYS (otherwise all where drives are kept) and wait; exit code 1 unless
    headquarters signed for all of it."""
    profile = profile_at(profile_path)
    profile.enrolled()
    surveys = surveys or own_surveys()
    if not surveys:
        raise KnownError("sync.no_surveys", path=surveys_dir())
    issued_before = issued_memory(profile)
    found: dict[Path, SyncProgress] = {}
    failed: KnownError | None = None
    for path in surveys:
        try:
            found[path] = asyncio.run(send_survey(shell, path, profile, over_budget=over_budget))
        except KnownError as error:
            if failed is not None:
                shell.say(failed.message)
            failed = error
            continue
        if found[path].complete:
            shell.tell("sync.delivered", path=path, rows=found[path].recorded_rows)
    tell_new(shell, profile, issued_before)
    if as_json:
        print_json({"surveys": [_document(shell, *item) for item in found.items()]})
    waiting = [progress for progress in found.values() if not progress.complete]
    if not waiting:
        if failed is not None:
            raise failed
        return
    if failed is not None:
        shell.say(failed.message)
    reasons = [one.last_error for one in waiting if one.last_error is not None]
    raise KnownError(
        "sync.incomplete",
        rows=sum(one.recorded_rows - one.acknowledged_rows for one in waiting),
        parked=sum(one.parked_rows for one in waiting),
        reason=reasons[0] if reasons else message("sync.reason_unknown"),
    )


@command.command(name="status")
@click.argument("surveys", type=PATH, nargs=-1)
@JSON
@profile_option
@click.pass_obj
def status(
    shell: Shell, surveys: tuple[Path, ...], as_json: bool, profile_path: Path | None
) -> None:
    """Say how far SURVEYS (otherwise all where drives are kept) are on their way to headquarters,
    what holds them up, and what headquarters has given to this laptop."""
    profile = profile_at(profile_path)
    documents = []
    for path in surveys or own_surveys():
        with SurveyFile.open(path, read_only=True) as survey:
            outbox = Outbox(survey)
            progress = _status_of(outbox, profile)
            parked = outbox.parked()
        documents.append(_document(shell, path, progress))
        if not as_json:
            shell.show(_status_message(path, progress))
            if progress.last_error is not None:
                shell.show(message("sync.status_error", error=progress.last_error))
            for (epoch, batch_no), reason in parked:
                shell.show(
                    message("sync.status_parked", epoch=epoch, batch_no=batch_no, reason=reason)
                )
            if progress.log_broken:
                shell.show(message("sync.log_broken"))
    if as_json:
        print_json({"surveys": documents, "issued": issued_document(shell, profile)})
    else:
        show_all(shell, profile)


@command.command(name="bundle")
@click.argument("survey", type=PATH)
@click.option("-o", "--output", required=True, type=PATH, help="The file to carry (.fspb).")
@profile_option
@click.pass_obj
def bundle(shell: Shell, survey: Path, output: Path, profile_path: Path | None) -> None:
    """Write what headquarters has not signed for in SURVEY to one file, to be carried there."""
    enrolment, key = profile_at(profile_path).enrolled()
    with _open_outbox(survey) as outbox:
        now_utc_us = SystemClock().utc_us()
        done = carrying.bundle(outbox, output, enrolment.device, key, now_utc_us, new_epoch)
    if done is None:
        shell.tell("sync.nothing_to_bundle", path=survey)
        return
    shell.tell("sync.bundled", path=output, batches=done.batches, rows=done.rows)
    if done.left_out:
        raise KnownError("sync.bundle_left_out", batches=done.left_out)


@command.command(name="receipts")
@click.argument("file", type=PATH)
@click.option("--survey", required=True, type=PATH, help="The survey that was carried.")
@profile_option
@click.pass_obj
def receipts(shell: Shell, file: Path, survey: Path, profile_path: Path | None) -> None:
    """Take in the receipts in FILE that headquarters gave for a bundle."""
    enrolment, _ = profile_at(profile_path).enrolled()
    with _open_outbox(survey) as outbox:
        now_utc_us = SystemClock().utc_us()
        taken = carrying.take_receipts(
            outbox, file, enrolment.device, enrolment.hq_key, now_utc_us, new_epoch
        )
    shell.tell(
        "sync.receipts_taken",
        acknowledged=taken.acknowledged,
        known=taken.known,
        others=taken.others,
    )
    if taken.wrong or taken.problem is not None:
        raise KnownError("sync.receipts_wrong", wrong=taken.wrong, problem=taken.problem or "–")


def own_surveys() -> tuple[Path, ...]:
    """Return the surveys that lie where drives are kept."""
    return tuple(sorted(surveys_dir().glob("*.fsurvey")))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise KnownError("sync.ca_unreadable", path=path, reason=error.strerror or error) from error


@contextlib.contextmanager
def _open_outbox(path: Path) -> Iterator[Outbox]:
    try:
        survey = SurveyFile.open(path)
    except KnownError as error:
        if error.message.id == "store.in_use":
            raise KnownError("sync.being_recorded", path=path) from error
        raise
    with survey:
        yield Outbox(survey)


async def enrol_at(url: str, code: str, profile: Profile, ca_pem: str = "") -> Enrolment:
    """Enrol at ``url`` with a one-time code; raises KnownError."""
    async with HttpTransport(url, ca_pem=ca_pem) as transport:
        return await enrol(transport, url, code, profile, SystemClock().utc_us(), ca_pem)


async def send_survey(
    shell: Shell, path: Path, profile: Profile, *, over_budget: bool = False
) -> SyncProgress:
    """Send everything in the survey at ``path``, and tell how far it is; raises KnownError."""
    enrolment, key = profile.enrolled()
    told = -1

    def tell(progress: SyncProgress) -> None:
        nonlocal told
        if progress.acknowledged_rows != told:
            told = progress.acknowledged_rows
            shell.tell(
                "sync.sending",
                path=path,
                acknowledged=progress.acknowledged_rows,
                recorded=progress.recorded_rows,
            )

    transport = HttpTransport(enrolment.hq_url, enrolment.token, enrolment.ca_pem)
    with _open_outbox(path) as outbox:

        async def at_once(work: Callable[[Outbox], T]) -> T:
            return work(outbox)

        async with transport:
            parts = Parts(
                profile,
                enrolment,
                key,
                transport,
                at_once,
                SystemClock(),
                lambda most: random.uniform(0.0, most),
                check_issued=check_issued,
            )
            return await Syncer(parts, tell).drain(over_budget=over_budget)


def _status_of(outbox: Outbox, profile: Profile) -> SyncProgress:
    """Count, and say how the newest attempt ended; nothing is asked of a network."""
    outcome = profile.outcome()
    error = None if outcome.last_error is None else message_from_json(outcome.last_error)
    try:
        profile.enrolled()
    except KnownError as known:
        error = known.message
    counted = outbox.progress()
    waits = counted.acknowledged_rows < counted.recorded_rows
    return progress_of(
        counted,
        SyncState.WAITING if waits else SyncState.IDLE,
        outcome.last_success_utc_us,
        error,
        log_broken=profile.log_broken(),
    )


def _status_message(path: Path, progress: SyncProgress) -> Message:
    return message(
        "sync.status",
        path=path,
        recorded=progress.recorded_rows,
        sealed=progress.sealed_rows,
        acknowledged=progress.acknowledged_rows,
        durable=progress.durable_rows,
        parked=progress.parked_rows,
        batches=progress.batches,
        waiting=progress.waiting_batches,
        acknowledged_batches=progress.acknowledged_batches,
        parked_batches=progress.parked_batches,
        oldest=_moment(progress.oldest_unsent_utc_us),
        success=_moment(progress.last_success_utc_us),
    )


def _moment(utc_us: int | None) -> Message | str:
    """Return a time of the laptop's own zone."""
    if utc_us is None:
        return message("sync.none")
    moment = datetime.datetime.fromtimestamp(utc_us / US_PER_S, datetime.UTC).astimezone()
    return moment.isoformat(" ", "seconds")


def _document(shell: Shell, path: Path, progress: SyncProgress) -> dict[str, object]:
    error = progress.last_error
    return {
        "path": str(path),
        **dataclasses.asdict(progress),
        "last_error": None if error is None else error.text(shell.language),
    }
