"""Keys of encrypted surveys for tests, and a keyring that needs no desktop."""

from dataclasses import dataclass

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


@dataclass(frozen=True)
class Keys:
    """``new``: for new files; it opens old ones as well, and so do ``others``."""

    new: bytes | None = None
    others: tuple[bytes, ...] = ()

    def for_new_file(self) -> bytes | None:
        return self.new

    def known(self) -> tuple[bytes, ...]:
        return (*self.others, *(() if self.new is None else (self.new,)))


class MemoryKeyring(KeyringBackend):
    """A keyring that may be locked, or lose everything."""

    priority = 0.1  # type: ignore[assignment]  # never chosen by itself

    def __init__(self) -> None:
        super().__init__()
        self.locked = False
        self.forgets = False
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        if not self.forgets:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        raise PasswordDeleteError("nothing is ever deleted")

    def _check(self) -> None:
        if self.locked:
            raise KeyringLocked("Failed to unlock the collection!")
