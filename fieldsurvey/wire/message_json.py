"""A message as JSON and back, those inside its arguments included: in survey files and batches.

Must stay as it is for what is written already.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from fieldsurvey.model.messages import Message


def message_to_json(message: Message) -> str:
    """Encode a message; arguments that JSON does not know (paths, times) become their text."""
    return msgspec.json.encode(message_document(message), enc_hook=str).decode()


def message_from_json(text: str) -> Message:
    """Decode what :func:`message_to_json` encoded."""
    return message_from_document(msgspec.json.decode(text))


def message_document(message: Message) -> dict[str, object]:
    """Return what :func:`message_to_json` encodes."""
    return {"id": message.id, "args": {k: _argument(v) for k, v in message.args.items()}}


def _argument(value: object) -> object:
    if isinstance(value, Message):
        return {"message": message_document(value)}
    return str(value) if isinstance(value, Path) else value


def message_from_document(document: Mapping[str, Any]) -> Message:
    """Build the message that :func:`message_document` described."""
    args = {
        name: message_from_document(value["message"])
        if isinstance(value, dict) and value.keys() == {"message"}
        else value
        for name, value in document["args"].items()
    }
    return Message(document["id"], args)
