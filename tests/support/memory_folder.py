"""A folder whose disk is memory, where there is one: thousands of syncs then cost nothing.

Not for measuring, nor where the disk itself is the subject.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # the kernel has it for just this


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Yield a folder that is gone when the block ends."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield Path(folder)
