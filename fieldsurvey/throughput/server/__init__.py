"""The measurement server that our own and third-party clients test against."""
