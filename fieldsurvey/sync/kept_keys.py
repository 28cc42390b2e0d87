"""What a profile says of file keys: which there are and where each is kept; never one in clear."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A file key under a passphrase: scrypt, then ChaCha20-Poly1305 with the device's id bound."""

    salt: str
    nonce: str
    sealed: str
    log2_n: int = 15  # with r = 8: 32 MB, a tenth of a second
    r: int = 8
    p: int = 1


@dataclass(frozen=True, slots=True)
class KeptKey:
    """One file key. ``wrapped`` None: it is in the keyring, under the device's id."""

    device: str
    key_id: str
    wrapped: Wrapped | None = None


@dataclass(frozen=True, slots=True)
class KeptKeys:
    """``file_keys.json``: oldest first. ``for_new``: id of the one that new files are encrypted
    with, "" if they are to be plain."""

    for_new: str = ""
    keys: tuple[KeptKey, ...] = ()
