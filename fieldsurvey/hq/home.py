"""The folder of HQ: what lies where in it, its settings, its key.

    hq.toml  keys/hq.pem  keys/recovery.pem  ledger.sqlite  raw/  spool/  archive/  log/  issued/

``raw`` is the source of truth: ledger and archive can be made again from it. Settings may put it,
and ``archive``, into a bucket; a ``cache/`` is here then. ``issued`` is what laptops are given,
with the statements that were signed for it.
"""

import contextlib
import os
import re
import secrets
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from fieldsurvey.hq.bucket import Bucket
from fieldsurvey.hq.ledger import Ledger
from fieldsurvey.hq.shelf import Folder, Shelf
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.batch import MIN_ACCEPTED_BYTES
from fieldsurvey.wire.keys import Ed25519PrivateKey
from fieldsurvey.wire.recovery import X25519PrivateKey
from fieldsurvey.wire.whole_file import sync_folder, write_whole

_FOLDERS = ("spool", "log")
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")
# Strict, so that neither has room for a password.
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9_.-]+)*")


@dataclass(frozen=True, slots=True)
class Settings:
    """``hq.toml``. ``mirror``: a folder on a second disk, "" for none.

    ``raw``, ``archive``: ``s3://BUCKET/PREFIX``, or "" for the folder beside the settings.
    ``raw_is_replicated``: the operator's word that the bucket itself keeps more than one copy.
    """

    server: str
    ledger: str = ""  # DSN of PostgreSQL; "" is ledger.sqlite in the folder
    public_url: str = ""
    mirror: str = ""
    durable_without_mirror: bool = False
    token_days: int = 730
    max_batch_bytes: int = 4 * 1024 * 1024
    max_in_flight: int = 4
    requests_per_s: float = 20.0  # of one device
    burst_requests: int = 100
    idle_timeout_s: float = 30.0
    raw: str = ""
    archive: str = ""
    s3_endpoint_url: str = ""  # of both; "" is AWS
    raw_is_replicated: bool = False
    cache_bytes: int = 20_000_000_000  # of what lies in a bucket, on this computer
    encrypt_laptops: bool = False  # survey files of laptops that enrol from now on
    retention_days: int = 0  # from receipt, for `hq retention`; 0 keeps everything

    def __post_init__(self) -> None:
        if not _SERVER.fullmatch(self.server):
            raise ValueError("server: letters, digits, points and dashes")
        if self.max_batch_bytes < MIN_ACCEPTED_BYTES:
            raise ValueError(f"max_batch_bytes: at least {MIN_ACCEPTED_BYTES}")
        if self.max_in_flight < 1 or self.token_days < 1 or self.burst_requests < 1:
            raise ValueError("max_in_flight, token_days, burst_requests: at least 1")
        if self.retention_days < 0:
            raise ValueError("retention_days: 0 or more")
        if not (self.requests_per_s > 0 and self.idle_timeout_s > 0):
            raise ValueError("requests_per_s, idle_timeout_s: above 0")
        if not all(_BUCKET.fullmatch(url) for url in (self.raw, self.archive) if url):
            raise ValueError("raw, archive: s3://BUCKET/PREFIX or nothing")
        if self.s3_endpoint_url and not _ENDPOINT.fullmatch(self.s3_endpoint_url):
            raise ValueError("s3_endpoint_url: http(s)://HOST:PORT or nothing; no credentials")
        if self.raw_is_replicated and not self.raw:
            raise ValueError("raw_is_replicated: of a bucket only; raw names none")

    @property
    def durable_on_one_disk(self) -> bool:
        """True if ``raw`` is all there is, and the operator has said that it will do."""
        return (self.durable_without_mirror or self.raw_is_replicated) and not self.mirror


@dataclass(frozen=True, slots=True)
class Home:
    """An HQ's folder that exists."""

    folder: Path
    settings: Settings

    @classmethod
    def open(cls, folder: Path) -> "Home":
        """Read the settings. Raises KnownError ``hq.no_home`` or ``hq.bad_settings``."""
        path = folder / "hq.toml"
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
            unknown = document.keys() - Settings.__dataclass_fields__.keys()
            if unknown:  # a misspelt mirror is no mirror
                raise ValueError(f"no such settings: {', '.join(sorted(unknown))}")
            settings = msgspec.convert(document, Settings)
        except OSError as error:
            raise KnownError("hq.no_home", path=folder) from error
        except (ValueError, msgspec.ValidationError) as error:
            raise KnownError("hq.bad_settings", path=path, reason=str(error)) from error
        home = cls(folder, settings)
        home.spool.mkdir(exist_ok=True)
        return home

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def issued(self) -> Path:
        return self.folder / "issued"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def ledger_url(self) -> str:
        return self.settings.ledger or f"sqlite:///{self.folder.absolute() / 'ledger.sqlite'}"

    @property
    def device_keys_path(self) -> Path:
        return self.folder / "keys" / "devices.json"

    @property
    def recovery_copies(self) -> Path:
        return self.folder / "keys" / "recovery"

    @property
    def _key_path(self) -> Path:
        return self.folder / "keys" / "hq.pem"

    def raw_shelf(self) -> Shelf:
        """Return where batches lie as they came. Raises KnownError ``hq.no_s3``."""
        return self._shelf(self.settings.raw, self.raw)

    def archive_shelf(self) -> Shelf:
        """Return where the archive lies. Raises KnownError ``hq.no_s3``."""
        return self._shelf(self.settings.archive, self.archive)

    def _shelf(self, url: str, folder: Path) -> Shelf:
        if not url:
            return Folder(folder)
        cache = self.folder / "cache"
        cache.mkdir(exist_ok=True)
        endpoint_url = self.settings.s3_endpoint_url
        return Bucket(url, endpoint_url, cache, self.settings.cache_bytes)

    @property
    def _recovery_key_path(self) -> Path:
        return self.folder / "keys" / "recovery.pem"

    def ledger(self) -> Ledger:
        """Open the ledger. Raises KnownError as :class:`Ledger` does."""
        return Ledger(self.ledger_url)

    def key(self) -> Ed25519PrivateKey:
        """Return what receipts and checkpoints are signed with. Raises KnownError ``hq.no_key``."""
        key = _private_key(self._key_path)
        if not isinstance(key, Ed25519PrivateKey):
            raise KnownError("hq.no_key", path=self._key_path, reason="not an Ed25519 key")
        return key

    def recovery_key(self) -> X25519PrivateKey:
        """Return what opens the recovery copies of file keys; a home that is older than these gets
        one now, as long as no copy was made for another. Raises KnownError ``hq.no_key``."""
        if not self._recovery_key_path.exists() and not self.recovery_copies.exists():
            with contextlib.suppress(FileExistsError):
                make_recovery_key(self)
        key = _private_key(self._recovery_key_path)
        if not isinstance(key, X25519PrivateKey):
            raise KnownError("hq.no_key", path=self._recovery_key_path, reason="not an X25519 key")
        return key


def make_recovery_key(home: Home) -> None:
    """Make the key; raises FileExistsError, with nothing changed, where there is one."""
    path = home._recovery_key_path
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_whole(draft, _pem(X25519PrivateKey.generate()), private=True)
    try:
        os.link(draft, path)  # of two servers that start together, one makes it
    finally:
        draft.unlink()
    sync_folder(path.parent)


def _private_key(path: Path) -> object:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise KnownError("hq.no_key", path=path, reason=str(error)) from error


def _pem(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def init_home(folder: Path, settings: Settings) -> Home:
    """Make the folder, the key and an empty ledger.

    Raises KnownError ``hq.home_exists`` where there is anything already, ``hq.cannot_write``, and
    what :class:`Bucket` does.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise KnownError("hq.home_exists", path=folder)
    home = Home(folder, settings)
    try:
        _make(home)
    except BaseException:
        for path in folder.glob("*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
    return home


def _make(home: Home) -> None:
    try:
        for name in ("", *_FOLDERS):
            (home.folder / name).mkdir(parents=True, exist_ok=True)
        _make_shelf(home.settings.raw, home.raw, home.raw_shelf())
        _make_shelf(home.settings.archive, home.archive, home.archive_shelf())
        home.folder.chmod(0o700)  # digests of tokens are nobody else's business either
        home._key_path.parent.mkdir(mode=0o700)
        write_whole(home._key_path, _pem(Ed25519PrivateKey.generate()), private=True)
        make_recovery_key(home)
        Ledger.create(home.ledger_url, new_log_origin(home.settings.server)).close()
        # Last: a folder with settings is a whole one.
        write_whole(home.folder / "hq.toml", _toml(home.settings).encode(), private=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise KnownError("hq.cannot_write", path=home.folder, reason=reason) from error


def _make_shelf(url: str, folder: Path, shelf: Shelf) -> None:
    """Two HQs in one bucket would clear away one another's archive."""
    if not url:
        folder.mkdir()
    elif shelf.folders():
        raise KnownError("hq.home_exists", path=url)


def new_log_origin(server: str) -> str:
    """Return a name for a log that begins now; another log of the same server has another."""
    return f"{server}/log/{secrets.token_hex(4)}"


def _toml(settings: Settings) -> str:
    lines = ["# HQ of FieldSurvey. Restart `hq serve` after a change."]
    for name, value in msgspec.to_builtins(settings).items():
        # Of text, numbers and truth JSON's spelling is TOML's.
        lines.append(f"{name} = {msgspec.json.encode(value).decode()}")
    return "\n".join(lines) + "\n"
