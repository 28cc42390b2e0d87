"""The laboratory without root: the product's own relay between two programs of this computer.

It shapes TCP payload and loses nothing, so there is no slow start to speak of; rates are truths of
payload. :mod:`tests.support.lab_link` is the better one where it can be had.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldsurvey.throughput.link_trace import LinkTrace
from tests.support.lab_link import ROOT


class RelayedLink:
    """A running relay: connect to ``port``; ``log_path`` holds bytes per 100 ms once it ended."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, log_path: Path) -> None:
        self._process = process
        self.port = port
        self.log_path = log_path

    def begin_trace(self) -> None:
        """Start the trace; until then its first rate holds."""
        assert self._process.stdin is not None
        self._process.stdin.write("start\n")
        self._process.stdin.flush()

    def forwarded_down(self) -> list[int]:
        """Return payload bytes that left the link towards the client, per 100 ms."""
        lines = self.log_path.read_text(encoding="utf-8").splitlines()[1:]
        return [int(line.split(",")[1]) for line in lines]


@contextmanager
def relayed_link(
    target_port: int, trace: LinkTrace, round_trip_s: float, folder: Path, queue_s: float = 0.1
) -> Iterator[RelayedLink]:
    """Relay a free local port to ``target_port`` in a process that ends with us."""
    trace_path, log_path = folder / "trace.csv", folder / "log.csv"
    rows = zip(trace.times_s, trace.rates_bps, strict=True)
    lines = [f"{time_s!r},{rate_bps / 1e6!r}" for time_s, rate_bps in rows]
    trace_path.write_text("\n".join(["t_s,rate_mbps", *lines]) + "\n", encoding="utf-8")
    command = [
        sys.executable, "-m", "fieldsurvey.throughput.shaped_link", "--ready-json",
        "--target", f"127.0.0.1:{target_port}", "--trace", str(trace_path),
        "--delay-s", str(round_trip_s / 2), "--queue-s", str(queue_s), "--log", str(log_path),
    ]  # fmt: skip
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = json.loads(process.stdout.readline())["port"]
        try:
            yield RelayedLink(process, port, log_path)
        finally:
            process.stdin.close()  # the relay ends with it, and writes its log
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
