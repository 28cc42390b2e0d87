"""TLS of the measurement server: 1.2 or newer, and new certificates without a restart."""

import ssl
from pathlib import Path

from fieldsurvey.model.errors import KnownError


class Certificate:
    """The chain and key in two PEM files; a private authority's are as good as a public one's."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises KnownError ``measure_server.bad_certificate``."""
        self._cert, self._key = cert, key
        self.context = self._read()

    def reload(self) -> None:
        """Read both files again, for connections from now on.

        Raises KnownError ``measure_server.bad_certificate``; the certificate in use stays then.
        """
        self.context = self._read()

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._cert, self._key, password=_no_password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise KnownError(
                "measure_server.bad_certificate",
                cert=self._cert,
                key=self._key,
                reason=error.strerror or error if isinstance(error, OSError) else error,
            ) from error
        return context


def _no_password() -> str:
    raise ValueError("the key is locked with a password; a server has nobody to ask")
