"""Recovery copies of laptops' file keys: beside HQ's own keys, opened only when somebody asks.

``keys/recovery/<device>-<key id>.json``. A laptop that lost its keyring makes a new key and hands
in another copy; the one before stays, since older files need it. Nothing is ever replaced.
"""

import logging

import msgspec

from fieldsurvey.hq.home import Home
from fieldsurvey.hq.landing import BUSY_RETRY_S
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.answers import RecoveryCopy, RecoveryKept
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.recovery import X25519PrivateKey, is_key_id, unwrap
from fieldsurvey.wire.whole_file import write_whole

_log = logging.getLogger(__name__)

MOST_COPIES = 50  # of one device: a laptop does not lose its keyring that often


def hq_key(home: Home) -> X25519PrivateKey:
    """Return what opens the copies. Raises Refusal where it is lost: copies for a new one would
    make the old ones look like damage."""
    try:
        return home.recovery_key()
    except KnownError as error:
        _log.error("%s", error)
        raise Refusal(503, "no_recovery_key", "", BUSY_RETRY_S) from error


def keep(
    home: Home, ledger: Ledger, device: str, copy: RecoveryCopy, now_utc_us: int
) -> RecoveryKept:
    """Keep ``device``'s copy, durably. Raises Refusal for one that HQ could not open."""
    try:
        if not is_key_id(copy.key_id):
            raise WireError("recovery", "no key id")
        unwrap(copy, hq_key(home), device)
    except WireError as error:
        raise Refusal(422, error.code, error.detail) from error
    path = home.recovery_copies / f"{device}-{copy.key_id}.json"
    with ledger.database.write():  # one after the other
        if path.exists():
            return RecoveryKept(copy.key_id)
        home.recovery_copies.mkdir(mode=0o700, exist_ok=True)
        if len(list(home.recovery_copies.glob(f"{device}-*.json"))) >= MOST_COPIES:
            raise Refusal(403, "too_many_keys")
        write_whole(path, msgspec.json.format(msgspec.json.encode(copy)), private=True)
    ledger.history.add_audit(now_utc_us, device, "recovery_kept", copy.key_id)
    return RecoveryKept(copy.key_id)


def recover(home: Home, ledger: Ledger, device: str, now_utc_us: int) -> list[bytes]:
    """Return all of a device's file keys, oldest first; the audit log says so before anybody sees
    one. Raises KnownError ``hq.no_recovery`` and ``hq.recovery_damaged``."""
    found = sorted(
        home.recovery_copies.glob("*.json") if home.recovery_copies.is_dir() else (),
        key=lambda path: path.stat().st_mtime_ns,
    )
    paths = [path for path in found if path.stem.rpartition("-")[0] == device]
    if not paths:
        raise KnownError("hq.no_recovery", device=device)
    private_key = home.recovery_key()
    keys = []
    for path in paths:
        try:
            copy = msgspec.json.decode(path.read_bytes(), type=RecoveryCopy)
            keys.append(unwrap(copy, private_key, device))
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, WireError) as error:
            raise KnownError("hq.recovery_damaged", path=path, reason=error) from error
    ledger.history.add_audit(now_utc_us, "operator", "recovered", f"{device} keys={len(keys)}")
    return keys
