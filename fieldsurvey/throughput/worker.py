"""The measuring process: plans come in as JSON lines on stdin, results leave on stdout.

Must not outlive its parent: the end of stdin is the end of the process, whatever it is doing.
Must stay light to start: no server, no numbers library, no protocol before it is asked for.
"""

import os
import queue
import sys
import threading
import time
import traceback
from typing import BinaryIO

from fieldsurvey.model.throughput import Cause, MeasurementPlan, Outcome
from fieldsurvey.throughput.home import Home
from fieldsurvey.throughput.lines import Command, Report, decode_command, encode
from fieldsurvey.throughput.protocols import PROTOCOLS
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.protocols.protocol import Cancel, Progress
from fieldsurvey.throughput.protocols.public_servers import skipped_if_public
from fieldsurvey.throughput.streams import guard_standard_streams


class Worker:
    """Runs one plan after the other; a second thread reads stdin."""

    def __init__(self, commands: BinaryIO, lines: BinaryIO) -> None:
        self._commands = commands
        self._lines = lines
        self._home = Home()
        self._write_lock = threading.Lock()
        self._plans: queue.SimpleQueue[tuple[int, MeasurementPlan, Cancel]] = queue.SimpleQueue()
        self._running: tuple[int, Cancel] | None = None

    def serve(self) -> None:
        """Never returns: the process ends with its stdin."""
        threading.Thread(target=self._read_commands, name="commands", daemon=True).start()
        while True:
            serial, plan, cancel = self._plans.get()
            self._measure(serial, plan, cancel)

    def _read_commands(self) -> None:
        try:
            for line in self._commands:
                self._obey(decode_command(line))
        except Exception:  # noqa: BLE001 - a worker that cannot be told anything must not live on
            traceback.print_exc()
        os._exit(0)  # at once: there is nobody left to tell

    def _obey(self, command: Command) -> None:
        if command.plan is not None:
            cancel = Cancel()
            self._running = command.serial, cancel
            self._plans.put((command.serial, command.plan, cancel))
        elif self._running is not None and self._running[0] == command.serial:
            self._running[1].set()

    def _measure(self, serial: int, plan: MeasurementPlan, cancel: Cancel) -> None:
        wire_bytes = 0

        def progress(progress: Progress, payload_so_far: int) -> None:
            nonlocal wire_bytes
            wire_bytes = payload_so_far
            self._write(Report(serial, payload_so_far, progress=progress))

        began_ns = time.perf_counter_ns()
        spent = False
        try:
            skipped = skipped_if_public(plan)
            if skipped is not None:
                measurement = skipped
            else:
                protocol = PROTOCOLS[plan.protocol](self._home)
                measurement = protocol.run(plan, progress, cancel)
                spent = protocol.spent
        except Exception as error:  # noqa: BLE001 - a bug of ours must still be a stored result
            traceback.print_exc()
            duration_us = (time.perf_counter_ns() - began_ns) // 1000
            ending = Ending(Outcome.FAILED, Cause.ENGINE, f"{error!r}")
            measurement = ending.measurement(plan, duration_us, wire_bytes)
        self._write(Report(serial, measurement.wire_bytes, measurement=measurement, ends=spent))
        if spent:
            os._exit(0)  # threads of a library that cannot be stopped; the parent starts anew

    def _write(self, report: Report) -> None:
        with self._write_lock:
            try:
                self._lines.write(encode(report))
            except OSError:
                os._exit(0)


def main() -> None:
    lines = guard_standard_streams()
    Worker(sys.stdin.buffer, lines).serve()


if __name__ == "__main__":
    main()
