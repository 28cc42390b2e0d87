"""Leave to measure, for a short while and one test: ``base64url(payload).base64url(HMAC-SHA256)``.

Any server with the same key can check a token without asking who issued it. Must not remember a
token but the ids of those used, until they have run out, and not more of them than so many.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Hashable

import msgspec

MOST_IDS = 100_000
LARGEST_TOKEN_BYTES = 512
_ID_BYTES = 12


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    issued_us: int
    expires_us: int


class BadTokenError(Exception):
    """The token gives no leave; the reason is for the client."""


class Tokens:
    """Issues and checks. ``skew_s`` is how far the clocks of two servers may be apart."""

    def __init__(
        self,
        key: bytes | None = None,
        lifetime_s: float = 120.0,
        skew_s: float = 30.0,
        most_ids: int = MOST_IDS,
        utc_s: Callable[[], float] = time.time,
    ) -> None:
        """Without a ``key``, tokens are good at this server only, while it runs."""
        self._key = key or secrets.token_bytes(32)
        self._lifetime_us = int(lifetime_s * 1e6)
        self._skew_us = int(skew_s * 1e6)
        self._most_ids = most_ids
        self._utc_s = utc_s
        self._used: dict[str, tuple[int, Hashable]] = {}  # id: forgotten at, the test that has it
        self._forgot_us = self._now_us()

    def issue(self) -> tuple[str, int]:
        """Return a token and when it ends (µs, UTC)."""
        now_us = self._now_us()
        expires_us = now_us + self._lifetime_us
        name = secrets.token_urlsafe(_ID_BYTES)
        payload = msgspec.json.encode(_Payload(name, now_us, expires_us))
        return f"{_text(payload)}.{_text(self._signed(payload))}", expires_us

    def read(self, token: str) -> str:
        """Return the id in a token that is ours and in force; raises BadTokenError."""
        payload = self._payload(token)
        now_us = self._now_us()
        if now_us > payload.expires_us + self._skew_us:
            raise BadTokenError("the access token has run out")
        if now_us < payload.issued_us - self._skew_us:
            raise BadTokenError("the access token is not in force yet: a clock is wrong")
        if payload.expires_us - payload.issued_us > self._lifetime_us + self._skew_us:
            raise BadTokenError("the access token is in force for too long")
        return payload.id

    def use(self, token: str, test: Hashable) -> None:
        """Give the token to ``test``, for all its connections; raises BadTokenError for another."""
        name = self.read(token)
        _, owner = self._used.get(name, (0, test))
        if owner != test:
            raise BadTokenError("the access token was used for another test")
        self._forget()
        if name not in self._used and len(self._used) >= self._most_ids:
            raise BadTokenError("too many access tokens are in use")
        self._used[name] = (self._payload(token).expires_us + self._skew_us, test)

    def __len__(self) -> int:
        return len(self._used)

    def _payload(self, token: str) -> _Payload:
        body, _, signature = token.partition(".")
        try:
            if len(token) > LARGEST_TOKEN_BYTES:
                raise ValueError
            payload = _bytes(body)
            if not hmac.compare_digest(self._signed(payload), _bytes(signature)):
                raise ValueError
            return msgspec.json.decode(payload, type=_Payload)
        except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
            raise BadTokenError("the access token is not one of ours") from error

    def _signed(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)

    def _forget(self) -> None:
        now_us = self._now_us()
        if now_us - self._forgot_us < self._lifetime_us:
            return
        self._forgot_us = now_us
        self._used = {name: used for name, used in self._used.items() if used[0] >= now_us}

    def _now_us(self) -> int:
        return int(self._utc_s() * 1e6)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    """Raises ValueError, of which binascii.Error is one."""
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
