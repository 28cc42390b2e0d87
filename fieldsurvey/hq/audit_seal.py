"""The audit log's length and last link under HQ's signature, in a file beside the ledger.

A chain shows what was changed in its middle; what was cut off at its end only somebody remembers
who is not the database. Must not sign a log that is shorter than one signed before, or another.
"""

from pathlib import Path

from fieldsurvey.hq.history import History
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.checkpoint import Checkpoint, checkpoint_from, sign_checkpoint
from fieldsurvey.wire.keys import Ed25519PrivateKey, Ed25519PublicKey
from fieldsurvey.wire.whole_file import write_whole

FILE = "audit"


def seal(ledger: Ledger, key: Ed25519PrivateKey, folder: Path) -> None:
    """Sign the audit log as it is; one that does not continue what was signed stays for
    ``hq verify`` to find. A crash before this leaves the entry before sealed."""
    links = _links(ledger.history)
    if not links or not continues(ledger, key.public_key(), folder):
        return
    note = sign_checkpoint(Checkpoint(_origin(ledger), len(links), links[-1]), key)
    write_whole(folder / FILE, note.encode())


def continues(ledger: Ledger, key: Ed25519PublicKey, folder: Path) -> bool:
    """Tell whether the audit log still begins with what was signed last."""
    try:
        signed = checkpoint_from((folder / FILE).read_text(encoding="utf-8"), key)
    except FileNotFoundError:
        return True
    except (WireError, UnicodeDecodeError):
        return False
    links = _links(ledger.history)
    return (
        signed.origin == _origin(ledger)
        and 0 < signed.size <= len(links)
        and links[signed.size - 1] == signed.root
    )


def _origin(ledger: Ledger) -> str:
    return f"{ledger.log_origin}/audit"


def _links(history: History) -> list[bytes]:
    return [bytes.fromhex(row.chain_sha256) for row in history.audit_rows()]
