"""Who may send: one-time codes, device keys, tokens, roles, revocation.

Of codes and tokens only digests are kept. A device has an id and a key; whose it is, HQ's paper
knows and this does not.
"""

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from fieldsurvey.hq.ledger_audit import add_audit
from fieldsurvey.hq.ledger_engine import LedgerDatabase
from fieldsurvey.hq.ledger_tables import code, device, row_digest

ROLES = ("device", "supervisor", "operator")
_US_PER_HOUR = 3_600_000_000
# Read aloud and typed in a car: no letters that look like others.
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_CODE_LETTERS = 20  # 98 bits
_SEEN_EVERY_US = 60_000_000
_NOTHING: Mapping[str, str] = {}


class EnrolmentRefusedError(Exception):
    """``reason``: "code" (unknown, used or expired) or "revoked"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Device:
    device: str
    public_key: str
    role: str
    enrolled_utc_us: int
    token_utc_us: int  # when the token was given
    revoked_utc_us: int | None
    last_seen_utc_us: int | None


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """All of a device but when it was last heard of."""

    device: str
    public_key: str
    token_sha256: str
    role: str
    enrolled_utc_us: int
    token_utc_us: int
    revoked_utc_us: int | None


_KEY_COLUMNS = [device.c[name] for name in DeviceKey.__dataclass_fields__]
_COLUMNS = [device.c[name] for name in Device.__dataclass_fields__]

_BY_NAME = sa.select(*_COLUMNS).where(device.c.device == sa.bindparam("value"))
_BY_TOKEN = sa.select(*_COLUMNS).where(device.c.token_sha256 == sa.bindparam("value"))


class Devices:
    """The devices of a ledger; from any thread."""

    def __init__(self, database: LedgerDatabase) -> None:
        self._database = database

    def new_code(self, role: str, hours: float, now_utc_us: int) -> str:
        """Make a code that enrols one device within ``hours``."""
        letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))
        text = "-".join(letters[start : start + 5] for start in range(0, _CODE_LETTERS, 5))
        row = {
            "code_sha256": _code_sha256(text),
            "role": role,
            "made_utc_us": now_utc_us,
            "expires_utc_us": now_utc_us + round(hours * _US_PER_HOUR),
            "used_by": None,
        }
        with self._database.write() as connection:
            connection.execute(code.insert(), row | {"row_sha256": row_digest(row)})
            add_audit(connection, now_utc_us, "operator", "enrol_code", f"role={role}")
        return text

    def enrol(
        self, text: str, public_key: str, now_utc_us: int, former: Mapping[str, str] = _NOTHING
    ) -> tuple[str, str]:
        """Use a code up; return the device's id and its token.

        The same code with the same key again (the answer was lost) gives a new token. A key that
        is known keeps its id. ``former``: keys by id of what the laptop was before; those that are
        unknown here are entered, so that what they sealed can be checked. Raises
        EnrolmentRefusedError.
        """
        token = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            found = connection.execute(
                code.select().where(code.c.code_sha256 == _code_sha256(text))
            ).first()
            if found is None or found.expires_utc_us < now_utc_us:
                raise EnrolmentRefusedError("code")
            if found.used_by not in (None, public_key):
                raise EnrolmentRefusedError("code")
            known = connection.execute(
                device.select().where(device.c.public_key == public_key)
            ).first()
            if known is not None and known.revoked_utc_us is not None:
                raise EnrolmentRefusedError("revoked")
            _update(connection, code, dict(found._mapping), used_by=public_key)
            forgotten = _unknown(connection, former)
            fresh = {"token_sha256": _sha256(token), "token_utc_us": now_utc_us}
            if known is not None:
                name: str = known.device
                _update(connection, device, dict(known._mapping), role=found.role, **fresh)
            else:
                same = [one for one, key in forgotten.items() if key == public_key]
                name = same[0] if same else str(uuid.uuid4())
                _insert(connection, name, public_key, found.role, token, now_utc_us)
                _see(connection, name, now_utc_us)
            add_audit(connection, now_utc_us, name, "enrolled", f"role={found.role}")
            for one, key in forgotten.items():
                if key != public_key:
                    # Its token went to nobody: it can send nothing itself.
                    no_token = secrets.token_urlsafe(32)
                    _insert(connection, one, key, "device", no_token, now_utc_us)
                    add_audit(connection, now_utc_us, name, "was before", one)
        return name, token

    def find(self, name: str) -> Device | None:
        return self._one(_BY_NAME, name)

    def by_token(self, token: str) -> Device | None:
        return self._one(_BY_TOKEN, _sha256(token))

    def revoke(self, name: str, now_utc_us: int) -> bool:
        """Believe this device's key and token no longer; False if it is not known."""
        with self._database.write() as connection:
            row = connection.execute(device.select().where(device.c.device == name)).first()
            if row is None:
                return False
            if row.revoked_utc_us is None:
                _update(connection, device, dict(row._mapping), revoked_utc_us=now_utc_us)
                add_audit(connection, now_utc_us, "operator", "revoked", name)
        return True

    def seen(self, one: Device, now_utc_us: int) -> None:
        """Note that a device was heard of; not more often than a person can read."""
        if (one.last_seen_utc_us or 0) > now_utc_us - _SEEN_EVERY_US:
            return
        with self._database.write() as connection:
            _see(connection, one.device, now_utc_us)

    def all(self) -> list[Device]:
        with self._database.read() as connection:
            rows = connection.execute(sa.select(*_COLUMNS).order_by(device.c.enrolled_utc_us))
            return [Device(**row._mapping) for row in rows]

    def keys(self) -> list[DeviceKey]:
        """Return what must outlive the ledger."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(*_KEY_COLUMNS).order_by(device.c.device))
            return [DeviceKey(**row._mapping) for row in rows]

    def restore(self, keys: Sequence[DeviceKey]) -> None:
        """Enter devices that another ledger of this HQ knew."""
        rows = [asdict(one) for one in keys]
        if rows:
            rows = [row | {"row_sha256": row_digest(row)} for row in rows]
            with self._database.write() as connection:
                connection.execute(device.insert(), rows)

    def rows(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return all rows of "device" and "code" with the table's name, for verifying."""
        with self._database.read() as connection:
            return [
                (table.name, dict(row._mapping))
                for table in (device, code)
                for row in connection.execute(table.select())
            ]

    def _one(self, query: sa.Select[Any], value: str) -> Device | None:
        with self._database.read() as connection:
            row = connection.execute(query, {"value": value}).first()
        return None if row is None else Device(**row._mapping)


def _unknown(connection: sa.Connection, former: Mapping[str, str]) -> dict[str, str]:
    """Return those of ``former`` whose id and key are both unknown; of a key the first id."""
    known = sa.select(device.c.device, device.c.public_key).where(
        device.c.device.in_(former) | device.c.public_key.in_(list(former.values()))
    )
    there = {value for row in connection.execute(known) for value in row}
    of_key: dict[str, str] = {}
    for one, key in former.items():
        if not there & {one, key}:
            of_key.setdefault(key, one)
    return {one: key for key, one in of_key.items()}


def _insert(
    connection: sa.Connection, name: str, public_key: str, role: str, token: str, now_utc_us: int
) -> None:
    row: dict[str, object] = {
        "device": name,
        "public_key": public_key,
        "token_sha256": _sha256(token),
        "role": role,
        "enrolled_utc_us": now_utc_us,
        "token_utc_us": now_utc_us,
        "revoked_utc_us": None,
    }
    row["row_sha256"] = row_digest(row)
    connection.execute(device.insert(), row)


def _see(connection: sa.Connection, name: str, now_utc_us: int) -> None:
    connection.execute(
        device.update().where(device.c.device == name).values(last_seen_utc_us=now_utc_us)
    )


def _update(
    connection: sa.Connection, table: sa.Table, row: dict[str, Any], **values: object
) -> None:
    """Change a row and the digest over it."""
    row |= values
    (key,) = table.primary_key.columns
    connection.execute(
        table.update().where(key == row[key.name]).values(row_sha256=row_digest(row), **values)
    )


def _code_sha256(text: str) -> str:
    letters = "".join(letter for letter in text.upper() if letter in _LETTERS)
    return _sha256(letters)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
