"""The server: landing, ledger, archive, API."""
