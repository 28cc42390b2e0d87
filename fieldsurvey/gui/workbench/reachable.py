"""Whether a file is there, for those who only want to know.

``Path.exists`` raises where a network folder is gone, a folder is somebody else's, or a name is too
long, and whoever asks has nothing to tell then: who opens or writes the file says why not.
"""

from pathlib import Path


def is_there(path: Path) -> bool:
    """Return whether there is such a file or folder that can be reached. Raises nothing."""
    try:
        return path.exists()
    except OSError:
        return False
