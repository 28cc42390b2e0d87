"""How a laptop becomes a device of HQ: a one-time code, and proof that the key is its own.

The key is made and on the disk before HQ hears of it. If the answer is lost, asking again with the
same code and key gives the same answer. Where HQ wants survey files encrypted, a laptop counts as
enrolled only once HQ holds the recovery copy of its file key.
"""

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.answers import Refused, Trouble, Unauthorised, Unreachable, document_of
from fieldsurvey.sync.file_keys import LaptopKeys
from fieldsurvey.sync.profile import Enrolment, Profile
from fieldsurvey.sync.progress import describe
from fieldsurvey.sync.transport import HqTransport, TransportError
from fieldsurvey.wire.answers import Enrolled, EnrolRequest, RecoveryKept
from fieldsurvey.wire.batch import is_device
from fieldsurvey.wire.canonical import WireError
from fieldsurvey.wire.keys import base64_text, public_key_text, sign
from fieldsurvey.wire.recovery import recovery_key_from, wrap


def check_url(url: str) -> str:
    """Return ``url`` as it is kept. Raises KnownError ``sync.bad_url`` and, where a token and
    places would travel in the clear, ``sync.needs_tls``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise KnownError("sync.bad_url", url=url)
    if parts.scheme == "http" and not _is_this_computer(parts.hostname):
        raise KnownError("sync.needs_tls", url=url)
    return url.rstrip("/")


async def enrol(
    transport: HqTransport,
    url: str,
    code: str,
    profile: Profile,
    now_utc_us: int,
    ca_pem: str = "",
    environment: Mapping[str, str] = os.environ,
) -> Enrolment:
    """Enrol at ``url``, which ``transport`` speaks to, and keep what it answers.

    ``environment`` may hold a passphrase. Raises KnownError ``sync.code_refused``, those of the
    network, and those of :class:`LaptopKeys` with nothing kept but the keys.
    """
    key = profile.make_key()
    public_key = public_key_text(key.public_key())
    signature = base64_text(sign(key, "enrolment", code.encode("utf-8")))
    request = EnrolRequest(code, public_key, signature, profile.known_as())
    enrolled = await _ask(transport, request)
    enrolment = Enrolment(
        device=enrolled.device,
        hq_url=url,
        token=enrolled.token,
        receipt_key=enrolled.receipt_key,
        log_origin=enrolled.log_origin,
        public_key=public_key,
        ca_pem=ca_pem,
    )
    try:
        _ = enrolment.hq_key
    except WireError as error:
        raise KnownError("sync.not_our_server") from error
    if not is_device(enrolment.device):
        raise KnownError("sync.not_our_server")
    keys = LaptopKeys(profile, environment)
    file_key = await _handed_in(transport, enrolled, keys) if enrolled.encrypt else None
    keys.use_for_new(file_key)
    profile.enrol(enrolment, now_utc_us)
    return enrolment


async def _ask(transport: HqTransport, request: EnrolRequest) -> Enrolled:
    try:
        answer = await transport.enrol(request)
    except TransportError as error:
        raise _not_now(Unreachable(error.cause, error.detail)) from error
    enrolled = document_of(answer, Enrolled)
    if isinstance(enrolled, Enrolled):
        return enrolled
    if isinstance(enrolled, Refused | Unauthorised):
        raise KnownError("sync.code_refused", code=enrolled.problem.code)
    raise _not_now(enrolled)


async def _handed_in(transport: HqTransport, enrolled: Enrolled, keys: LaptopKeys) -> bytes:
    """Return the file key, of which HQ has the recovery copy by then."""
    try:
        hq_key = recovery_key_from(enrolled.recovery_key)
        file_key = keys.make(enrolled.device)
        copy = wrap(file_key, hq_key, enrolled.device)
    except WireError as error:
        raise KnownError("sync.not_our_server") from error
    try:
        answer = await transport.recovery(enrolled.device, enrolled.token, copy)
    except TransportError as error:
        raise _not_now(Unreachable(error.cause, error.detail)) from error
    kept = document_of(answer, RecoveryKept)
    if not isinstance(kept, RecoveryKept):
        raise _not_now(kept)
    if kept.key_id != copy.key_id:
        raise KnownError("sync.not_our_server")
    return file_key


def _not_now(trouble: Trouble) -> KnownError:
    _, reason = describe(trouble)
    return KnownError("sync.not_enrolled_now", reason=reason)


def _is_this_computer(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
