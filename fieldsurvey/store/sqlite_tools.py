"""sqlite-utils, without what it loads on the chance that somebody needs it.

Where pandas is installed, sqlite-utils loads it at its own start: half a second of every start of
ours, for frames that nobody hands to it. Everything of the house that uses sqlite-utils takes it
from here.
"""

import sys

_UNUSED = "pandas"
_is_loaded = _UNUSED in sys.modules
if not _is_loaded:
    sys.modules[_UNUSED] = None  # type: ignore[assignment]  # Python's own word for "do not load"

from sqlite_utils import Database, Migrations  # noqa: E402 - after what it must not load

if not _is_loaded:
    del sys.modules[_UNUSED]

__all__ = ["Database", "Migrations"]
