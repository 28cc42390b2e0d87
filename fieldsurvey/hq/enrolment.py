"""A laptop becomes a device of HQ, and stops being one.

The keys of all devices lie beside HQ's own in ``keys/devices.json`` too: with them the batches of a
lost ledger can still be told from forgeries, and nobody has to enrol again.
"""

from collections.abc import Sequence

import msgspec

from fieldsurvey.hq.audit_seal import seal
from fieldsurvey.hq.devices import DeviceKey, EnrolmentRefusedError
from fieldsurvey.hq.home import Home
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.recovery import hq_key
from fieldsurvey.hq.refusal import Refusal
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.answers import Enrolled, EnrolRequest, FormerDevice
from fieldsurvey.wire.batch import is_device
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import (
    Ed25519PrivateKey,
    public_key_from,
    public_key_text,
    verify_text,
)
from fieldsurvey.wire.recovery import recovery_key_text
from fieldsurvey.wire.whole_file import write_whole

MOST_FORMER = 20


def enrol(
    home: Home, ledger: Ledger, key: Ed25519PrivateKey, request: EnrolRequest, now_utc_us: int
) -> Enrolled:
    """Enrol whoever has the code and owns the key. Raises Refusal."""
    encrypt = home.settings.encrypt_laptops
    recovery_key = recovery_key_text(hq_key(home).public_key()) if encrypt else ""
    try:
        device_key = public_key_from(request.public_key)
        verify_text(device_key, "enrolment", request.code.encode(), request.signature)
        former = _former(request.former[:MOST_FORMER], ledger.log_origin)
        own_text = public_key_text(device_key)
        device, token = ledger.devices.enrol(request.code, own_text, now_utc_us, former)
    except WireError as error:
        raise Refusal(422, error.code, error.detail) from error
    except EnrolmentRefusedError as error:
        raise Refusal(403, error.reason, "ask for a new code") from error
    keep_device_keys(home, ledger)
    seal(ledger, key, home.log)
    own_key = public_key_text(key.public_key())
    return Enrolled(device, token, own_key, ledger.log_origin, encrypt, recovery_key)


def _former(said: Sequence[FormerDevice], log_origin: str) -> dict[str, str]:
    """Return keys by id of what was a device of this HQ. Raises WireError for what is no key."""
    return {
        one.device: public_key_text(public_key_from(one.public_key))
        for one in said
        if one.log_origin == log_origin and is_device(one.device)
    }


def revoke(home: Home, ledger: Ledger, device: str, now_utc_us: int) -> None:
    """Believe a device no longer. Raises KnownError ``hq.unknown_device``."""
    if not ledger.devices.revoke(device, now_utc_us):
        raise KnownError("hq.unknown_device", device=device)
    keep_device_keys(home, ledger)


def keep_device_keys(home: Home, ledger: Ledger) -> None:
    """Write ``keys/devices.json`` anew."""
    with ledger.database.write():  # or an older list could replace a newer one
        content = msgspec.json.format(msgspec.json.encode(ledger.devices.keys()))
        write_whole(home.device_keys_path, content, private=True)


def kept_device_keys(home: Home) -> list[DeviceKey]:
    """Read ``keys/devices.json``; none if there is no such file."""
    try:
        return msgspec.json.decode(home.device_keys_path.read_bytes(), type=list[DeviceKey])
    except FileNotFoundError:
        return []
    except msgspec.MsgspecError as error:
        path = home.device_keys_path
        raise KnownError("hq.bad_device_keys", path=path, reason=str(error)) from error
