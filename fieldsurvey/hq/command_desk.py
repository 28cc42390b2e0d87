"""What is done at HQ's desk: devices come and go, sticks come in, someone wants to know."""

import itertools
import json
import time
from pathlib import Path

import click

from fieldsurvey.hq.talk import FOLDER, Talk, the_station
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message

_JSON = click.option("--json", "as_json", is_flag=True)


@click.command(name="enrol")
@FOLDER
@click.option(
    "--role",
    type=click.Choice(["device", "supervisor", "operator"]),
    default="device",
    show_default=True,
)
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True, max=24 * 366), default=72.0,
    show_default=True, help="How long the code may be used.",
)  # fmt: skip
@click.pass_obj
def enrol(talk: Talk, folder: Path, role: str, hours: float) -> None:
    """Print a code with which one laptop can enrol, once."""
    with the_station(folder) as station:
        code = station.ledger.devices.new_code(role, hours, station.clock.utc_us())
    click.echo(code)
    talk.tell("hq.code_made", hours=f"{hours:g}", role=role)


@click.command(name="revoke")
@FOLDER
@click.argument("device")
@click.pass_obj
def revoke(talk: Talk, folder: Path, device: str) -> None:
    """Believe DEVICE no longer; what it sent is kept."""
    from fieldsurvey.hq import enrolment

    with the_station(folder) as station:
        enrolment.revoke(station.home, station.ledger, device, station.clock.utc_us())
    talk.tell("hq.revoked", device=device)


@click.command(name="recover")
@FOLDER
@click.argument("device")
@click.pass_obj
def recover(talk: Talk, folder: Path, device: str) -> None:
    """Print the keys of DEVICE's encrypted survey files, oldest first; the audit log keeps it."""
    from fieldsurvey.hq import recovery

    with the_station(folder) as station:
        keys = recovery.recover(station.home, station.ledger, device, station.clock.utc_us())
    for key in keys:
        click.echo(key.hex())
    talk.tell("hq.recovered", device=device, keys=len(keys))


@click.command(name="accept")
@FOLDER
@click.argument("device")
@click.pass_obj
def accept(talk: Talk, folder: Path, device: str) -> None:
    """Use what DEVICE sealed and others brought after it was revoked, having looked into it."""
    with the_station(folder) as station:
        batches = station.ledger.accept_revoked(device, station.clock.utc_us())
    talk.tell("hq.accepted", device=device, batches=batches)


@click.command(name="import")
@FOLDER
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "-o", "--receipts", "receipts_path", type=click.Path(path_type=Path),
    help="Write the receipts here, to be carried back.",
)  # fmt: skip
@click.pass_context
def import_bundle(
    ctx: click.Context, folder: Path, bundle: Path, receipts_path: Path | None
) -> None:
    """Take in the batches of BUNDLE, as if they had come over the network."""
    from fieldsurvey.hq.importing import import_batches
    from fieldsurvey.hq.refusal import Refusal
    from fieldsurvey.wire.bundle import MAX_ENTRY_BYTES, read_bundle, write_receipts

    talk: Talk = ctx.obj
    with the_station(folder, MAX_ENTRY_BYTES) as station:
        try:
            imported = import_batches(station, read_bundle(bundle))
        except OSError as error:
            raise KnownError(
                "hq.bad_bundle", path=bundle, reason=error.strerror or error
            ) from error
        except Refusal as error:
            raise KnownError("hq.import_stopped", path=bundle, reason=error) from error
        note = f"{bundle.name} batches={len(imported.receipts)} refused={len(imported.refused)}"
        now_utc_us = station.clock.utc_us()
        station.ledger.history.add_audit(now_utc_us, "operator", "imported", note)
    if receipts_path is not None:
        try:
            write_receipts(receipts_path, imported.receipts)
        except OSError as error:
            reason = error.strerror or str(error)
            raise KnownError("hq.cannot_write", path=receipts_path, reason=reason) from error
    talk.show(message("hq.imported", batches=len(imported.receipts), replays=imported.replays))
    for reason in imported.refused:
        talk.tell("hq.import_refused", reason=reason)
    if imported.damaged:
        talk.tell("hq.import_damaged", path=bundle, detail=imported.damaged)
    if imported.refused or imported.damaged:
        ctx.exit(1)


@click.command(name="publish")
@FOLDER
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", required=True, type=click.Choice(["plan", "places", "targets"]))
@click.option("--name", default="", help="What laptops call it; the file's name unless given.")
@click.pass_obj
def publish(talk: Talk, folder: Path, file: Path, kind: str, name: str) -> None:
    """Issue FILE to all laptops as the next version of its name."""
    from fieldsurvey.drive.issued_check import check_issued
    from fieldsurvey.hq import issuing
    from fieldsurvey.wire.issued import IssuedKind

    check_issued(IssuedKind(kind), file)
    with the_station(folder) as station:
        one, is_new = issuing.publish(station, file, IssuedKind(kind), name or file.stem.lower())
    talk.tell(
        "hq.issued" if is_new else "hq.issued_already",
        kind=kind,
        name=one.name,
        version=one.version,
    )


@click.command(name="status")
@FOLDER
@_JSON
@click.pass_obj
def status(talk: Talk, folder: Path, as_json: bool) -> None:
    """Say what HQ holds, and from whom."""
    from fieldsurvey.hq.status import status_of

    with the_station(folder) as station:
        document = status_of(station)
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    talk.show(message("hq.status", **document["counts"], **document["log"]))
    for device in document["devices"]:
        seen, revoked = (_when(device.pop(f"{name}_utc_us")) for name in ("last_seen", "revoked"))
        talk.show(message("hq.status_device", **device, last_seen=seen, revoked=revoked))


def _when(utc_us: int | None) -> str:
    if utc_us is None:
        return "–"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(utc_us // 1_000_000))


@click.command(name="verify")
@FOLDER
@click.option(
    "--receipts", "receipts_path", type=click.Path(path_type=Path),
    help="Compare the receipts of this file as well.",
)  # fmt: skip
@_JSON
@click.pass_context
def verify(ctx: click.Context, folder: Path, receipts_path: Path | None, as_json: bool) -> None:
    """Check every byte HQ holds; exit code 1 if anything was changed, damaged or lost."""
    from fieldsurvey.hq import verify as verifying
    from fieldsurvey.hq.mirror import check_mirror
    from fieldsurvey.wire.bundle import read_receipts
    from fieldsurvey.wire.canonical import WireError

    talk: Talk = ctx.obj
    with the_station(folder) as station:
        receipts = () if receipts_path is None else read_receipts(receipts_path)
        try:
            result = verifying.verify(station, receipts)
        except (OSError, WireError) as error:
            raise KnownError("hq.bad_bundle", path=receipts_path, reason=error) from error
        if station.home.settings.mirror:
            mirror = Path(station.home.settings.mirror)
            for path in check_mirror(station.ledger, mirror):
                result.find("hq.finding_mirror", path=path)
        note = f"findings={len(result.findings)}"
        station.ledger.history.add_audit(station.clock.utc_us(), "operator", "verified", note)
    if as_json:
        click.echo(json.dumps(verifying.as_json(result), ensure_ascii=False, default=str))
    else:
        for text in (*result.findings, *result.notes):
            talk.show(text)
    if result.findings:
        ctx.exit(1)
    talk.tell(
        "hq.verified",
        batches=result.batches,
        checkpoints=result.checkpoints,
        files=result.archive_files,
    )


@click.command(name="retention")
@FOLDER
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def retention(talk: Talk, folder: Path, dry_run: bool) -> None:
    """Delete what was received more than retention_days ago; receipts and the log stay."""
    from fieldsurvey.hq import retention as retaining

    with the_station(folder) as station:
        now_utc_us = station.clock.utc_us()
        before_utc_us = retaining.cutoff_utc_us(station.home, now_utc_us)
        try:
            if dry_run:
                gone = retaining.due(station.ledger, before_utc_us)
            else:
                gone = retaining.expire(station.home, station.ledger, before_utc_us, now_utc_us)
        except OSError as error:
            reason = error.strerror or str(error)
            raise KnownError("hq.retention_stopped", reason=reason) from error
    for device, batches in itertools.groupby(
        sorted(gone.batches, key=lambda one: one.device), key=lambda one: one.device
    ):
        held = list(batches)
        talk.show(
            message(
                "hq.retention_device",
                device=device,
                batches=len(held),
                rows=sum(one.rows for one in held),
                first=_when(min(one.received_utc_us for one in held)),
                last=_when(max(one.received_utc_us for one in held)),
            )
        )
    sums = {"batches": len(gone.batches), "rows": gone.rows, "bytes": gone.bytes}
    before = _when(before_utc_us)
    if dry_run:
        talk.tell("hq.retention_due", **sums, before=before)
        return
    talk.tell("hq.retained", **sums, before=before, files=gone.files_deleted, again=gone.again)


COMMANDS = (
    accept,
    enrol,
    revoke,
    recover,
    import_bundle,
    publish,
    retention,
    status,
    verify,
)
