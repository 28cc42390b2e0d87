"""Whom a client trusts: the system's certificates, and those of a regulator's own authority."""

import ssl


def client_context(ca_pem: str) -> ssl.SSLContext:
    """Return what to trust. ``ca_pem`` holds certificates as text and adds them to the system's.

    Raises ValueError where it is text of another kind: our own mistake, not the network's.
    """
    context = ssl.create_default_context()
    if ca_pem:
        certificates = ca_pem.encode("ascii", "ignore").decode()  # comments are in any language
        try:
            context.load_verify_locations(cadata=certificates)
        except ssl.SSLError as error:
            raise ValueError(f"no certificates: {error}") from error
    return context
