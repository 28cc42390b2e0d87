"""What HQ gives to laptops: survey plans, places, targets, each version signed and kept for good.

    issued/files/<sha256>                    the documents
    issued/statements/<kind>-<name>-<n>.json what was signed for version n

The statements lie beside the documents too: a ledger that is made again must not begin to count
from 1, or laptops would refuse all that comes. Nothing here forces a laptop to use anything.
"""

import hashlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fieldsurvey.hq.ledger_audit import add_audit
from fieldsurvey.hq.ledger_tables import issued
from fieldsurvey.hq.shelf import digest_of
from fieldsurvey.hq.station import Station
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.issued import NAME, Issued, IssuedKind, SignedIssued, issued_from, sign_issued
from fieldsurvey.wire.whole_file import sync_folder, write_whole


def publish(station: Station, source: Path, kind: IssuedKind, name: str) -> tuple[Issued, bool]:
    """Issue the file ``source`` as the next version of ``name``; return it, and whether it is new:
    what is the newest version already is not issued again.

    Raises KnownError ``hq.bad_issued_name``, ``hq.cannot_write``. Whether laptops will be able to
    read it, the caller has to know.
    """
    if not NAME.fullmatch(name):
        raise KnownError("hq.bad_issued_name", name=name)
    try:
        return _publish(station, source, kind, name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise KnownError("hq.cannot_write", path=station.home.issued, reason=reason) from error


def _publish(station: Station, source: Path, kind: IssuedKind, name: str) -> tuple[Issued, bool]:
    folder = station.home.issued
    for part in (folder / "files", folder / "statements"):
        part.mkdir(parents=True, exist_ok=True)
    sync_folder(folder)
    sync_folder(folder.parent)
    sha256, size_bytes = _keep(source, folder / "files")
    with station.ledger.database.write() as connection:
        last = _newest_of(connection, kind, name)
        if last is not None and last.sha256 == sha256:
            return last, False
        version = 1 if last is None else last.version + 1
        now_utc_us = station.clock.utc_us()
        one = Issued(kind, name, version, sha256, size_bytes, now_utc_us)
        signed = sign_issued(one, station.key)
        # Before the ledger says so: nobody has seen a statement that a crash leaves behind here,
        # and the next one of this version replaces it.
        statement = folder / "statements" / f"{kind}-{name}-{version}.json"
        write_whole(statement, signed.to_bytes())
        connection.execute(issued.insert(), _row(signed))
        add_audit(connection, now_utc_us, "operator", "issued", f"{kind} {name} {version} {sha256}")
    return one, True


def newest(station: Station) -> tuple[SignedIssued, ...]:
    """Return the statement of the newest version of every document."""
    found: dict[tuple[str, str], SignedIssued] = {}
    for signed in all_issued(station):
        found[signed.issued.kind, signed.issued.name] = signed
    return tuple(found.values())


def all_issued(station: Station) -> list[SignedIssued]:
    """Return every statement, by kind, name and version. Raises ValueError for a damaged one."""
    query = sa.select(issued.c.statement).order_by(issued.c.kind, issued.c.name, issued.c.version)
    with station.ledger.database.read() as connection:
        return [issued_from(text.encode()) for text in connection.scalars(query)]


def document_path(station: Station, sha256: str) -> Path | None:
    """Return where a document lies that was issued, None if there is none of that digest."""
    query = sa.select(issued.c.version).where(issued.c.sha256 == sha256).limit(1)
    with station.ledger.database.read() as connection:
        known = connection.scalar(query) is not None
    path = station.home.issued / "files" / sha256
    return path if known and path.is_file() else None


def restore(station: Station) -> int:
    """Enter into a new ledger what its predecessor issued; return how many statements."""
    kept = []
    for path in sorted((station.home.issued / "statements").glob("*.json")):
        try:
            signed = issued_from(path.read_bytes())
            signed.verify(station.key.public_key())
        except WireError as error:
            raise KnownError("hq.bad_statement", path=path, reason=error) from error
        kept.append(_row(signed))
    if kept:
        with station.ledger.database.write() as connection:
            connection.execute(issued.insert(), kept)
    return len(kept)


def issued_versions(station: Station) -> list[tuple[str, str, int]]:
    """Return kind, name and version of every row, whatever else it says."""
    query = sa.select(issued.c.kind, issued.c.name, issued.c.version)
    with station.ledger.database.read() as connection:
        return [(kind, name, version) for kind, name, version in connection.execute(query)]


def damaged(station: Station) -> list[str]:
    """Return what laptops would refuse or cannot get: "kind name version" of each."""
    with station.ledger.database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(issued.select())]
    return [
        f"{row['kind']} {row['name']} {row['version']}"
        for row in rows
        if not _is_whole(station, row)
    ]


def _is_whole(station: Station, row: dict[str, Any]) -> bool:
    try:
        signed = issued_from(row["statement"].encode())
        signed.verify(station.key.public_key())
        one = signed.issued
        path = station.home.issued / "files" / one.sha256
        there = (digest_of(path), path.stat().st_size)
    except (OSError, WireError):
        return False
    return row == _row(signed) and there == (one.sha256, one.size_bytes)


def _keep(source: Path, folder: Path) -> tuple[str, int]:
    """Copy a document to where it is named by its digest; return that and its size."""
    content = source.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    write_whole(folder / sha256, content)
    return sha256, len(content)


def _newest_of(connection: sa.Connection, kind: IssuedKind, name: str) -> Issued | None:
    text = connection.scalar(
        sa.select(issued.c.statement)
        .where(issued.c.kind == kind.value, issued.c.name == name)
        .order_by(issued.c.version.desc())
        .limit(1)
    )
    return None if text is None else issued_from(text.encode()).issued


def _row(signed: SignedIssued) -> dict[str, Any]:
    one = signed.issued
    return {
        "kind": one.kind.value,
        "name": one.name,
        "version": one.version,
        "sha256": one.sha256,
        "statement": signed.to_bytes().decode(),
    }
