"""Makes NMEA, feeds decoders, collects reports, and lends serial ports that can be unplugged."""

import asyncio
import contextlib
import os
import threading
import tty
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fieldsurvey.model.position import Fix, PositionTrouble, TroubleKind
from fieldsurvey.position.nmea import NmeaDecoder
from fieldsurvey.position.source import PositionSource
from fieldsurvey.position.stream import Arrival, Moment, Statement

Report = Fix | PositionTrouble


def nmea(body: str) -> bytes:
    """``body`` as a sentence with its checksum and line end."""
    total = 0
    for letter in body:
        total ^= ord(letter)
    return f"${body}*{total:02X}\r\n".encode("ascii")


def an_epoch(
    clock: str = "120000.00",
    *,
    north: float = 4300.0,
    status: str = "A",
    quality: int = 1,
    date: str = "101126",
) -> bytes:
    """RMC and GGA of one moment, north of 43° N, 77° E."""
    place = f"{north:09.4f},N,07700.0000,E"
    return nmea(f"GPRMC,{clock},{status},{place},38.9,90.0,{date},,,A") + nmea(
        f"GPGGA,{clock},{place},{quality},09,0.9,850.0,M,-40.0,M,,"
    )


def a_drive(seconds: int) -> list[bytes]:
    """One epoch a second, 20 m apart (0.0108 minutes of latitude)."""
    return [
        an_epoch(f"12{second // 60:02d}{second % 60:02d}.00", north=4300.0 + 0.0108 * second)
        for second in range(seconds)
    ]


def decode(chunks: Iterable[bytes], *, step_us: int = 1000) -> list[Statement]:
    """What the NMEA decoder makes of ``chunks`` that arrive ``step_us`` apart."""
    decoder = NmeaDecoder()
    statements: list[Statement] = []
    for number, chunk in enumerate(chunks):
        statements += decoder.feed(Arrival(chunk, Moment(number * step_us, number * step_us)))
    return statements + decoder.flush()


def fixes(reports: Iterable[object]) -> list[Fix]:
    return [report for report in reports if isinstance(report, Fix)]


def troubles(reports: Iterable[object]) -> list[TroubleKind]:
    return [report.kind for report in reports if isinstance(report, PositionTrouble)]


def is_trouble(kind: TroubleKind) -> Callable[[list[Report]], bool]:
    """A condition for :func:`collect`: the newest report is trouble of ``kind``."""
    return lambda reports: troubles(reports[-1:]) == [kind]


async def collect(
    source: PositionSource,
    *steps: tuple[Callable[[list[Report]], bool], Callable[[], object]],
    within_s: float = 15.0,
) -> list[Report]:
    """Read reports; whenever the next step's condition holds, act; stop after the last step.

    Ends early where the source ends. Fails with TimeoutError when a step is not reached.
    """
    reports: list[Report] = []
    waiting = list(steps)

    async def read() -> None:
        async for report in source.reports():
            reports.append(report)
            if waiting and waiting[0][0](reports):
                waiting.pop(0)[1]()
                if not waiting:
                    return

    task = asyncio.create_task(read())
    try:
        await asyncio.wait_for(task, within_s)
    except TimeoutError:
        raise TimeoutError(f"{len(waiting)} steps not reached; reports: {reports}") from None
    return reports


def nothing() -> None:
    """The action of a step that only waits."""


class PtyReceiver:
    """A receiver on a pseudo terminal behind ``link``, as a USB receiver is behind its device
    name. Talks in a thread of its own until unplugged."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master: int | None = None
        self._talking: threading.Thread | None = None
        self._stop = threading.Event()

    def plug(self) -> None:
        """Appear; the device name now leads to a new terminal."""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)
        os.set_blocking(self._master, False)

    def talk(self, chunks: Iterable[bytes], every_s: float = 0.02) -> None:
        """Send ``chunks`` one by one, as long as anybody listens or not."""
        self._stop.clear()
        self._talking = threading.Thread(target=self._run, args=(list(chunks), every_s))
        self._talking.start()

    def write(self, data: bytes) -> None:
        """Send ``data`` now."""
        assert self._master is not None, "unplugged"
        os.write(self._master, data)

    def read(self) -> bytes:
        """What was written to the receiver."""
        assert self._master is not None, "unplugged"
        with contextlib.suppress(OSError):  # nothing there, or nobody has the port open
            return os.read(self._master, 1000)
        return b""

    def _run(self, chunks: list[bytes], every_s: float) -> None:
        for chunk in chunks:
            if self._stop.wait(every_s):
                return
            if self._master is not None:
                with contextlib.suppress(OSError):  # nobody listens: the cable takes no more
                    os.write(self._master, chunk)

    def unplug(self) -> None:
        """Disappear."""
        self._stop.set()
        if self._talking is not None:
            self._talking.join()
            self._talking = None
        if self._master is not None:
            os.close(self._master)
            self._master = None
        self.link.unlink(missing_ok=True)


@contextlib.contextmanager
def pty_receiver(link: Path) -> Iterator[PtyReceiver]:
    """A plugged-in receiver that is gone at the end of the test."""
    receiver = PtyReceiver(link)
    receiver.plug()
    try:
        yield receiver
    finally:
        receiver.unplug()
