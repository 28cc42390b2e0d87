"""The keys of this laptop's encrypted survey files: in the system's keyring, and nowhere in clear.

Where there is no keyring (Linux without a desktop) a key lies in the profile wrapped by a
passphrase. A key file beside the data would be no encryption, so there is no such thing. Keys of
earlier enrolments stay, as their files do. ``FIELDSURVEY_FILE_KEY`` is the way out when a keyring
is lost: the key that headquarters recovered.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from fieldsurvey.model.errors import KnownError
from fieldsurvey.sync.kept_keys import KeptKey, KeptKeys, Wrapped
from fieldsurvey.sync.profile import Profile
from fieldsurvey.wire.keys import base64_text, bytes_of
from fieldsurvey.wire.recovery import KEY_BYTES, key_id_of

SERVICE = "fieldsurvey"
PASSPHRASE = "FIELDSURVEY_PASSPHRASE"
FILE_KEY = "FIELDSURVEY_FILE_KEY"
_SALT_BYTES, _NONCE_BYTES = 16, 12


class LaptopKeys:
    """What :class:`fieldsurvey.store.file_key.FileKeys` asks for, from the profile's folder."""

    def __init__(self, profile: Profile, environment: Mapping[str, str] = os.environ) -> None:
        self._profile = profile
        self._environment = environment
        self._found: dict[str, bytes] = {}  # by key id; a keyring may be locked at any time

    def for_new_file(self) -> bytes | None:
        """Return the key, None where headquarters does not want files encrypted."""
        kept = self._kept()
        if not kept.for_new:
            return None
        given = self._given()
        if given is not None and key_id_of(given) == kept.for_new:
            return given
        chosen = [one for one in kept.keys if one.key_id == kept.for_new]
        if not chosen:
            raise KnownError("sync.profile_damaged", path=self._profile.file_keys_path)
        return self._key(chosen[-1])

    def known(self) -> list[bytes]:
        """Return the keys that can be had; raise the reason if none of several can."""
        given = self._given()
        keys = [] if given is None else [given]
        trouble = None
        kept = self._kept()
        for one in sorted(kept.keys, key=lambda one: one.key_id != kept.for_new):
            try:
                keys.append(self._key(one))
            except KnownError as error:
                trouble = trouble or error
        if trouble is not None and not keys:
            raise trouble
        return keys

    def make(self, device: str) -> bytes:
        """Return ``device``'s key; the first time make it and keep it, before anybody learns of it.

        Raises KnownError ``sync.no_keyring`` where it can be kept nowhere.
        """
        kept = self._kept()
        mine = [one for one in kept.keys if one.device == device]
        try:
            known = self._look(mine[-1]) if mine else None
        except _NoKeyringError as error:  # locked, perhaps: the key may well be in it
            raise _missing(mine[-1], str(error)) from error
        if known is not None:
            return known
        key = secrets.token_bytes(KEY_BYTES)
        entry = KeptKey(device, key_id_of(key), self._put_away(device, key))
        self._profile.keep_file_keys(replace(kept, keys=(*kept.keys, entry)))
        self._found[entry.key_id] = key
        return key

    def use_for_new(self, key: bytes | None) -> None:
        """Encrypt new files with ``key``, which was made here and which headquarters can recover by
        now; None: make them plain."""
        kept = self._kept()
        for_new = "" if key is None else key_id_of(key)
        if kept.for_new != for_new:
            self._profile.keep_file_keys(replace(kept, for_new=for_new))

    def _kept(self) -> KeptKeys:
        return self._profile.file_keys() or KeptKeys()

    def _given(self) -> bytes | None:
        text = self._environment.get(FILE_KEY, "").strip()
        if not text:
            return None
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise KnownError("sync.bad_file_key", variable=FILE_KEY)
        return key

    def _key(self, kept: KeptKey) -> bytes:
        try:
            key = self._look(kept)
        except _NoKeyringError as error:
            raise _missing(kept, str(error)) from error
        if key is None:
            raise _missing(kept, "it is not there")
        return key

    def _look(self, kept: KeptKey) -> bytes | None:
        """Return a key that was kept, None if the keyring no longer has it."""
        if kept.key_id not in self._found:
            key = self._unwrap(kept, kept.wrapped) if kept.wrapped else _from_keyring(kept.device)
            if key is None or key_id_of(key) != kept.key_id:
                return None
            self._found[kept.key_id] = key
        return self._found[kept.key_id]

    def _put_away(self, device: str, key: bytes) -> Wrapped | None:
        """Keep a new key in the keyring, or return it wrapped."""
        try:
            _into_keyring(device, key)
        except _NoKeyringError as error:
            if not self._environment.get(PASSPHRASE):
                raise KnownError("sync.no_keyring", reason=error, variable=PASSPHRASE) from error
            return self._wrap(device, key)
        return None

    def _wrap(self, device: str, key: bytes) -> Wrapped:
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        plan = Wrapped(base64_text(salt), base64_text(nonce), "")
        sealed = self._cipher(plan).encrypt(nonce, key, device.encode())
        return replace(plan, sealed=base64_text(sealed))

    def _unwrap(self, kept: KeptKey, wrapped: Wrapped) -> bytes:
        if not self._environment.get(PASSPHRASE):
            raise KnownError("sync.passphrase_needed", variable=PASSPHRASE)
        try:
            nonce, sealed = bytes_of(wrapped.nonce), bytes_of(wrapped.sealed)
            return self._cipher(wrapped).decrypt(nonce, sealed, kept.device.encode())
        except InvalidTag as error:
            raise KnownError("sync.passphrase_wrong", variable=PASSPHRASE) from error
        except ValueError as error:
            raise KnownError("sync.profile_damaged", path=self._profile.file_keys_path) from error

    def _cipher(self, wrapped: Wrapped) -> ChaCha20Poly1305:
        scrypt = Scrypt(bytes_of(wrapped.salt), KEY_BYTES, 2**wrapped.log2_n, wrapped.r, wrapped.p)
        return ChaCha20Poly1305(scrypt.derive(self._environment[PASSPHRASE].encode()))


class _NoKeyringError(Exception):
    """There is no keyring, or it does not let us in."""


def _missing(kept: KeptKey, reason: str) -> KnownError:
    return KnownError("sync.file_key_missing", device=kept.device, reason=reason, variable=FILE_KEY)


def _into_keyring(device: str, key: bytes) -> None:
    """Raises _NoKeyringError, also where a keyring takes a key and forgets it."""
    import keyring

    with _keyring_errors():
        keyring.set_password(SERVICE, device, key.hex())
    if _from_keyring(device) != key:
        raise _NoKeyringError("it keeps nothing")


def _from_keyring(device: str) -> bytes | None:
    import keyring

    with _keyring_errors():
        text = keyring.get_password(SERVICE, device)
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        return None


@contextlib.contextmanager
def _keyring_errors() -> Iterator[None]:
    from keyring.errors import KeyringError

    try:
        yield
    except (KeyringError, OSError) as error:
        # Their words may be of any length; the first sentence says it.
        raise _NoKeyringError(str(error).split(".")[0] or type(error).__name__) from error
