"""Everything a user can be told, by id, in Kazakh, Russian and English alike.

The catalogue is ``resources/messages/<area>.toml``: one table per id with ``en``, ``kk`` and ``ru``
side by side, so that a missing translation is visible where it is missing. Arguments are named:
``"No fix for {age_s} s."``. The core passes ids and arguments about; only shells turn them to text.
"""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LANGUAGES = ("en", "kk", "ru")


def resources_dir() -> Path:
    """Return the folder of targets, translations, icons and the demo drive."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_resources"
    return installed if installed.is_dir() else package.parent / "resources"


@dataclass(frozen=True, slots=True)
class Message:
    """A message id with its arguments; ``str()`` gives English for logs."""

    id: str
    args: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """Return the text in ``language``; an unknown id or argument is shown, not hidden."""
        entry = _catalogue().get(self.id)
        if entry is None:
            details = ", ".join(f"{name}={value}" for name, value in self.args.items())
            return f"[{self.id}{': ' + details if details else ''}]"
        arguments = {
            name: value.text(language) if isinstance(value, Message) else value
            for name, value in self.args.items()
        }
        return entry.get(language, entry["en"]).format_map(_Shown(arguments))

    def __str__(self) -> str:
        return self.text()


def message(id: str, /, **args: object) -> Message:  # noqa: A002 - it is the id
    """Build a :class:`Message`: ``message("drive.service_back", seconds=40)``."""
    return Message(id, args)


class _Shown(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def preferred_language(environment: Mapping[str, str]) -> str:
    """Return the first of our languages that the locale variables ask for, else English."""
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for wanted in environment.get(variable, "").split(":"):
            if wanted[:2].lower() in LANGUAGES:
                return wanted[:2].lower()
    return "en"


@functools.cache
def _catalogue() -> dict[str, dict[str, str]]:
    entries: dict[str, dict[str, str]] = {}
    for path in sorted((resources_dir() / "messages").glob("*.toml")):
        for area, group in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for name, texts in group.items():
                entries[f"{area}.{name}"] = texts
    return entries


def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return all messages: id → language → text. For tests and for shells that list them."""
    return _catalogue()
