"""Who did what at HQ and when: appended in the transaction that does it, chained row to row."""

from dataclasses import dataclass

import sqlalchemy as sa

from fieldsurvey.hq.ledger_tables import audit, audit_chain


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """``who``: "operator" for the command line, a device's id, or "hq" itself."""

    audit_no: int
    at_utc_us: int
    who: str
    what: str
    detail: str


def add_audit(connection: sa.Connection, at_utc_us: int, who: str, what: str, detail: str) -> None:
    """Append an entry; ``detail`` names devices and files, never a code or token."""
    last = connection.execute(
        sa.select(audit.c.audit_no, audit.c.chain_sha256).order_by(audit.c.audit_no.desc()).limit(1)
    ).first()
    row: dict[str, object] = {
        "audit_no": 0 if last is None else last.audit_no + 1,
        "at_utc_us": at_utc_us,
        "who": who,
        "what": what,
        "detail": detail,
    }
    row["chain_sha256"] = audit_chain("" if last is None else last.chain_sha256, row)
    connection.execute(audit.insert(), row)
