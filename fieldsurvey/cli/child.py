"""Python processes of our own that say in one JSON line when they are ready, and end with us.

Their stdin is a pipe that closes when we are gone, however suddenly: they end then.
"""

import json
import subprocess
import sys
from types import TracebackType

from fieldsurvey.model.errors import KnownError

END_TIMEOUT_S = 5.0


class ChildProcess:
    """``python -m module arguments`` for as long as the ``with`` block lasts."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._name = " ".join((module, *arguments[:1]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl+C is for us; we end the child ourselves
        )

    def ready_port(self) -> int:
        """Wait for the child's first line and return its ``port``."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return int(json.loads(line)["port"])
        except (ValueError, KeyError, TypeError) as error:
            raise KnownError("cli.child_failed", name=self._name, line=line.strip()) from error

    def write_line(self, line: str) -> None:
        """Send one line to the child's stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> "ChildProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
