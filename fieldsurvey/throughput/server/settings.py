"""All that an operator can set, by the command's options or in a TOML file of the same names.

Must not guess what is meant: an unknown key or a value that cannot be is refused, before anything
listens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fieldsurvey.model.errors import KnownError
from fieldsurvey.throughput.server.limits import Limits
from fieldsurvey.throughput.server.log import Addresses

SHORTEST_KEY_BYTES = 16


def _option(default: Any, says: str) -> Any:
    """``says`` is the help of the command's option of the same name."""
    return field(default=default, metadata={"help": says})


@dataclass(frozen=True, slots=True)
class Sister:
    """Another server of the same operator, with the same token key: ``http[s]://HOST[:PORT]``."""

    url: str
    city: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths are texts; "" is none. ``sisters`` are ``[[sisters]]`` tables of the file."""

    listen: str = _option("", "HOST:PORT; port 0 picks a free one.")
    data: str = _option("", "Folder for the log of tests.")
    server_id: str = _option("", "Name in results; the host's by default.")
    tls_cert: str = _option("", "PEM file with the certificate and its chain.")
    tls_key: str = _option("", "PEM file with the certificate's key.")
    token_key: str = _option("", "File with a secret; then no test without an access token.")
    token_s: float = _option(120.0, "How long an access token is good.")
    clock_skew_s: float = _option(30.0, "How far the clocks of two servers may be apart.")
    log_addresses: Addresses = _option(  # noqa: RUF009 - it is a field
        Addresses.NETWORK, "What of a client's address is logged: none, network (/24, /48), whole."
    )
    public_url: str = _option("", "Where others reach this server; told to clients of Locate.")
    city: str = _option("", "Where this server is; told to clients of Locate.")
    country: str = _option("", "Its country's two letters.")
    sisters: tuple[Sister, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def secret(self) -> bytes | None:
        """Return the token key; raises KnownError ``measure_server.bad_token_key``."""
        if not self.token_key:
            return None
        try:
            key = Path(self.token_key).read_bytes().strip()
        except OSError as error:
            reason: object = error.strerror or error
        else:
            if len(key) >= SHORTEST_KEY_BYTES:
                return key
            reason = f"{len(key)} < {SHORTEST_KEY_BYTES} B"
        raise KnownError("measure_server.bad_token_key", path=self.token_key, reason=reason)


def read_settings(path: Path) -> dict[str, Any]:
    """Return what a TOML file sets.

    Raises KnownError ``measure_server.config_unreadable`` or ``.config_unknown_key``.
    """
    try:
        given: dict[str, Any] = msgspec.toml.decode(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise KnownError("measure_server.config_unreadable", path=path, reason=error) from error
    unknown = _unknown_keys(given)
    if unknown:
        raise KnownError(
            "measure_server.config_unknown_key", path=path, keys=", ".join(sorted(unknown))
        )
    return given


def make_settings(given: Mapping[str, Any]) -> Settings:
    """Return settings from keys and values; raises KnownError ``measure_server.bad_setting``."""
    limit_names = {one.name for one in fields(Limits)}
    flat = {key: value for key, value in given.items() if key not in limit_names}
    flat["limits"] = {key: value for key, value in given.items() if key in limit_names}
    try:
        settings = msgspec.convert(flat, Settings, strict=True)
    except msgspec.MsgspecError as error:
        raise KnownError("measure_server.bad_setting", reason=error) from error
    for one in fields(Limits):
        if not getattr(settings.limits, one.name) > 0:
            raise KnownError("measure_server.bad_setting", reason=f"{one.name} <= 0")
    if settings.token_s <= 0 or settings.clock_skew_s < 0:
        raise KnownError("measure_server.bad_setting", reason="token_s <= 0 / clock_skew_s < 0")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise KnownError("measure_server.bad_setting", reason="tls_cert + tls_key")
    for url in (settings.public_url, *(sister.url for sister in settings.sisters)):
        if url:
            _check_url(url)
    return settings


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
        parts.port  # noqa: B018 - raises ValueError where it is no number
    except ValueError:
        good = False
    if not good:
        raise KnownError("measure_server.bad_setting", reason=f"{url!r}: http[s]://HOST[:PORT]")


def _unknown_keys(given: Mapping[str, Any]) -> set[str]:
    known = {one.name for one in (*fields(Settings), *fields(Limits))} - {"limits"}
    unknown = set(given) - known
    sisters = given.get("sisters")
    for sister in sisters if isinstance(sisters, list) else ():
        if isinstance(sister, dict):
            unknown |= {f"sisters.{key}" for key in set(sister) - {f.name for f in fields(Sister)}}
    return unknown
