"""Seal, send, acknowledge; the USB bundle."""
