"""Every message that sync can give has a text, with all its arguments, in three languages."""

import re
import string
from pathlib import Path

from fieldsurvey.model.messages import LANGUAGES, catalogue
from fieldsurvey.sync.progress import SyncState

SOURCES = [
    *Path(__file__).parents[3].glob("fieldsurvey/sync/*.py"),
    *Path(__file__).parents[3].glob("fieldsurvey/cli/sync*.py"),
]
IDS = {
    found
    for path in SOURCES
    for found in re.findall(r'"(sync\.[a-z_]+)"', path.read_text(encoding="utf-8"))
} | {f"sync.state_{state.value}" for state in SyncState}
# Made of a variable: f"sync.profile_{what}".
BUILT = {"sync.profile_unreadable", "sync.profile_unwritable"}


def arguments(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_all_are_there_and_no_others() -> None:
    written = {name for name in catalogue() if name.startswith("sync.")}
    assert written == IDS | BUILT


def test_all_languages_say_the_same_things() -> None:
    for name, texts in catalogue().items():
        if name.startswith("sync."):
            assert set(texts) == set(LANGUAGES)
            assert len({frozenset(arguments(text)) for text in texts.values()}) == 1, name
            assert len(set(texts.values())) == len(LANGUAGES)
