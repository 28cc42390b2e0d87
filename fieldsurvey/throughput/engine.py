"""The application's side of the measuring process: starts it, asks it, watches it, replaces it.

Must not raise for what a network or a dying process does: both are results. Must not leave a
process behind, and must not wait for one longer than the plan's own bounds.
"""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from fieldsurvey.model.throughput import (
    Cause,
    Measurement,
    MeasurementPlan,
    Outcome,
    Phase,
    PhaseKind,
)
from fieldsurvey.throughput.lines import (
    LONGEST_LINE_BYTES,
    Command,
    Report,
    decode_report,
    encode,
)
from fieldsurvey.throughput.protocols.ending import Ending
from fieldsurvey.throughput.protocols.protocol import Progress

__all__ = ["MeasuringProcess", "Progress"]

CANCEL_GRACE_S = 0.5  # a worker that has not answered by then is killed
WATCHDOG_MARGIN_S = 5.0
_CLOSE_S = 1.0
_STDERR_LINES = 20
_ROOT = str(Path(__file__).resolve().parents[2])  # for a worker of a package that isn't installed


def worker_command() -> list[str]:
    """Return how to start the worker, from source or from a frozen application."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--measuring-process"]
    return [sys.executable, "-m", "fieldsurvey.throughput.worker"]


def longest_run_s(plan: MeasurementPlan) -> float:
    """Return when a test must be over: every bound of every phase, and a margin."""
    opening_us = plan.connect_timeout_us + plan.stall_timeout_us
    # Twice, because what fails on a kept connection is tried on a new one.
    idle_us = 2 * (opening_us + plan.idle_pings * plan.stall_timeout_us)
    token_us = opening_us + plan.stall_timeout_us
    load_us = 2 * opening_us + token_us + plan.stall_timeout_us + plan.max_duration_us
    loads = sum(kind in (PhaseKind.DOWNLOAD, PhaseKind.UPLOAD) for kind in plan.phases)
    return (opening_us + idle_us + loads * load_us) / 1e6 + WATCHDOG_MARGIN_S


class MeasuringProcess:
    """One worker that lives across tests. All methods belong to one event loop."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._stderr_reader: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._serial = 0
        self._cancelled = asyncio.Event()

    async def run(
        self, plan: MeasurementPlan, on_progress: Callable[[Progress], None] | None = None
    ) -> Measurement:
        """Measure once. What fails is in the result, our own process included."""
        async with self._one_at_a_time:
            self._serial += 1
            self._cancelled.clear()
            test = _Test(plan, self._serial, on_progress)
            try:
                async with asyncio.timeout(longest_run_s(plan)):
                    return await self._run(test)
            except TimeoutError:
                await self._kill()
                return test.broken(Outcome.FAILED, "the measuring process did not end in time")
            except BaseException:
                await self._kill()
                raise

    def cancel(self) -> None:
        """End the running test now; its result says what was counted."""
        self._cancelled.set()

    async def close(self) -> None:
        """Leave no process behind, running test or not."""
        self.cancel()
        async with self._one_at_a_time:
            process = self._process
            if process is not None and process.stdin is not None:
                process.stdin.close()  # the worker ends with its stdin
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_S):
                        await process.wait()
            await self._kill()

    async def _run(self, test: "_Test") -> Measurement:
        try:
            process = await self._worker()
            assert process.stdin is not None
            process.stdin.write(encode(Command(test.serial, test.plan)))
            await process.stdin.drain()
        except OSError as error:
            await self._kill()
            return test.broken(Outcome.FAILED, f"the measuring process cannot be used: {error}")
        reading = asyncio.ensure_future(self._read_until_measured(process, test))
        cancelling = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait((reading, cancelling), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                return await self._call_off(process, test, reading)
            return await self._measured(test, reading.result())
        finally:
            cancelling.cancel()
            reading.cancel()
            await asyncio.gather(cancelling, reading, return_exceptions=True)

    async def _call_off(
        self,
        process: asyncio.subprocess.Process,
        test: "_Test",
        reading: "asyncio.Future[Measurement | None]",
    ) -> Measurement:
        assert process.stdin is not None
        process.stdin.write(encode(Command(test.serial)))
        await asyncio.wait((reading,), timeout=CANCEL_GRACE_S)
        if reading.done() and reading.result() is not None:
            return await self._measured(test, reading.result())
        await self._kill()
        return test.broken(Outcome.CANCELLED, "")

    async def _measured(self, test: "_Test", measurement: Measurement | None) -> Measurement:
        if measurement is not None:
            return measurement
        code = await self._kill()
        last = self._stderr[-1] if self._stderr else ""
        return test.broken(Outcome.FAILED, f"the measuring process died ({code}) {last}".strip())

    async def _read_until_measured(
        self, process: asyncio.subprocess.Process, test: "_Test"
    ) -> Measurement | None:
        """Return the measurement; None when the process died or talks nonsense."""
        assert process.stdout is not None
        while line := await self._line(process.stdout):
            try:
                report = decode_report(line)
            except msgspec.MsgspecError:
                self._stderr.append(f"not a report: {line[:200]!r}")
                return None
            if report.serial != test.serial:
                continue  # of a test that nobody waits for any more
            if report.measurement is not None:
                if report.ends:
                    await self._kill()
                return report.measurement
            test.note(report)
        return None

    async def _line(self, stdout: asyncio.StreamReader) -> bytes:
        try:
            return await stdout.readline()
        except (ValueError, OSError):  # a line without end, a broken pipe
            return b""

    async def _worker(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._kill()
        paths = [_ROOT, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        self._stderr.clear()
        self._process = await asyncio.create_subprocess_exec(
            *worker_command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE_BYTES,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        self._stderr_reader = asyncio.ensure_future(self._keep_stderr(self._process))
        return self._process

    async def _keep_stderr(self, process: asyncio.subprocess.Process) -> None:
        """Read the worker's complaints, so that it never blocks on them; keep the last ones."""
        assert process.stderr is not None
        while line := await self._line(process.stderr):
            if text := line.decode("utf-8", "replace").strip():
                self._stderr.append(text)

    async def _kill(self) -> int | None:
        """End the process for good; return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        code = await process.wait()
        if self._stderr_reader is not None:
            await asyncio.wait((self._stderr_reader,), timeout=_CLOSE_S)
            self._stderr_reader.cancel()
            self._stderr_reader = None
        return code


class _Test:
    """What is known here of the running test, should its process not live to tell."""

    def __init__(
        self,
        plan: MeasurementPlan,
        serial: int,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.plan = plan
        self.serial = serial
        self._on_progress = on_progress
        self._began_ns = time.perf_counter_ns()
        self._wire_bytes = 0
        self._last: Progress | None = None

    def note(self, report: Report) -> None:
        self._wire_bytes = max(self._wire_bytes, report.wire_bytes)
        if report.progress is not None:
            self._last = report.progress
            if self._on_progress is not None:
                self._on_progress(report.progress)

    def broken(self, outcome: Outcome, detail: str) -> Measurement:
        """Return what was heard before the process was gone."""
        cause = Cause.ENGINE if outcome is Outcome.FAILED else None
        phases: tuple[Phase, ...] = ()
        if self._last is not None:
            last = self._last
            phases = (
                Phase(last.phase, 0, last.elapsed_us, last.payload_bytes, 0, None, None, (), 0,
                      outcome, cause),
            )  # fmt: skip
        duration_us = (time.perf_counter_ns() - self._began_ns) // 1000
        return Ending(outcome, cause, detail).measurement(
            self.plan, duration_us, self._wire_bytes, phases
        )
