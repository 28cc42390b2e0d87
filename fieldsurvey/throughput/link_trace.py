"""How fast a link was, second by second, as a file says it: so that any desk has any road's link.

Reads recorded drives and our own drawings into one piecewise-constant series. Must not smooth,
resample or guess: a second that a recording lacks is bridged only while the gap is short, and a
longer gap is refused, because nobody knows whether the link was dead or the recorder was.
"""

import bisect
import csv
import gzip
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import message

LONGEST_BRIDGED_GAP_S = 3.0
LAST_LINE_HOLDS_S = 1.0
PACKET_SLOT_MS = 100
PACKET_PAYLOAD_BITS = 1448 * 8  # TCP payload of a 1,500-byte IPv4 packet with timestamps


@dataclass(frozen=True, slots=True)
class LinkTrace:
    """Rate in bit/s of TCP payload: ``rates_bps[i]`` holds from ``times_s[i]`` to the next time.

    ``times_s`` starts at 0 and grows; the last rate holds until ``duration_s``. A rate of 0 is a
    dead link. After ``duration_s`` the trace starts over (``loop``), or the link stays dead.
    """

    times_s: Sequence[float]
    rates_bps: Sequence[float]
    duration_s: float
    loop: bool = True
    _bits_before: Sequence[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ends_s = [*self.times_s[1:], self.duration_s]
        if len(self.times_s) != len(self.rates_bps) or not self.times_s or self.times_s[0] != 0:
            raise ValueError("a link trace needs one rate per time, from 0 s on")
        if any(end_s <= start_s for start_s, end_s in zip(self.times_s, ends_s, strict=True)):
            raise ValueError("the times of a link trace must grow")
        if not all(rate_bps >= 0 and math.isfinite(rate_bps) for rate_bps in self.rates_bps):
            raise ValueError("the rates of a link trace must be 0 or more")
        bits = (
            rate_bps * (end_s - start_s)
            for start_s, end_s, rate_bps in zip(self.times_s, ends_s, self.rates_bps, strict=True)
        )
        before = tuple(itertools.accumulate(bits, initial=0.0))
        object.__setattr__(self, "_bits_before", before)

    @classmethod
    def steady(cls, rate_bps: float) -> "LinkTrace":
        """Return a link that is always equally fast."""
        return cls((0.0,), (rate_bps,), 1.0)

    def rate_bps_at(self, time_s: float) -> float:
        """Return the rate at ``time_s`` after the start of the trace."""
        rounds, within_s = divmod(time_s, self.duration_s)
        if rounds and not self.loop:
            return 0.0
        return self.rates_bps[bisect.bisect_right(self.times_s, within_s) - 1]

    def bits_until(self, time_s: float) -> float:
        """Return what the link can carry from the start of the trace until ``time_s``, in bits."""
        rounds, within_s = divmod(time_s, self.duration_s)
        whole_bits = self._bits_before[-1]
        if rounds and not self.loop:
            return whole_bits
        index = bisect.bisect_right(self.times_s, within_s) - 1
        part_bits = self._bits_before[index] + self.rates_bps[index] * (
            within_s - self.times_s[index]
        )
        return rounds * whole_bits + part_bits


def load_trace(path: Path, *, loop: bool = True) -> LinkTrace:
    """Read a trace; the layout is told by the first line, ``.gz`` by the name.

    - CSV with ``t_s,throughput_mbps,...``: a recording, one line per second;
    - CSV with ``t_s,rate_mbps``: our own; each rate holds until the next line, the last for 1 s;
    - ``SECONDS MBPS`` per line: a recording;
    - one number per line: milliseconds at which a 1,500-byte packet may pass (mahimahi), counted
      per 100 ms as 1,448 bytes of payload each.

    Raises KnownError ``link.trace_unreadable``, or ``link.bad_trace`` with the line's number.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise KnownError("link.trace_unreadable", path=path, reason=error) from error
    lines = _Lines(path, text)
    first = lines.first()
    if "," in first:
        return _from_csv(lines, loop)
    if len(first.split()) == 1:
        return _from_packet_times(lines, loop)
    pairs = ((number, line.split()) for number, line in lines)
    return _from_seconds(lines, pairs, loop, recorded=True)


class _Lines:
    """The lines of one file that say something, with their numbers, for errors that point."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return ((i, line) for i, line in enumerate(self._lines, 1) if line.strip())

    def first(self) -> str:
        for _, line in self:
            return line
        raise self.bad(1, "empty")

    def bad(self, number: int, reason: str, **args: object) -> KnownError:
        return KnownError(
            "link.bad_trace",
            path=self._path,
            line=number,
            reason=message(f"link.trace_{reason}", **args),
        )

    def number(self, line_number: int, text: str) -> float:
        """Return a finite number that is not negative."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise self.bad(line_number, "not_a_rate", text=text)
        return value


def _from_csv(lines: _Lines, loop: bool) -> LinkTrace:
    numbered = iter(lines)
    header_number, header_line = next(numbered)
    header = next(csv.reader([header_line]))
    recorded = "throughput_mbps" in header
    rate_name = "throughput_mbps" if recorded else "rate_mbps"
    if "t_s" not in header or rate_name not in header:
        raise lines.bad(header_number, "no_column")
    wanted = (header.index("t_s"), header.index(rate_name))

    def pairs() -> Iterator[tuple[int, list[str]]]:
        for number, line in numbered:
            cells = next(csv.reader([line]))
            yield number, [cells[i] for i in wanted if i < len(cells)]

    return _from_seconds(lines, pairs(), loop, recorded=recorded)


def _from_seconds(
    lines: _Lines, pairs: Iterator[tuple[int, list[str]]], loop: bool, *, recorded: bool
) -> LinkTrace:
    times_s: list[float] = []
    rates_bps: list[float] = []
    for number, cells in pairs:
        if len(cells) != 2:
            raise lines.bad(number, "no_column")
        time_s, rate_mbps = (lines.number(number, cell) for cell in cells)
        if times_s and time_s <= times_s[-1]:
            raise lines.bad(number, "order")
        if not times_s and not recorded and time_s != 0:
            raise lines.bad(number, "start")
        if times_s and recorded and time_s - times_s[-1] > LONGEST_BRIDGED_GAP_S:
            raise lines.bad(number, "gap", gap_s=round(time_s - times_s[-1], 1))
        times_s.append(time_s)
        rates_bps.append(rate_mbps * 1e6)
    if not times_s:
        raise lines.bad(1, "empty")
    shifted_s = tuple(time_s - times_s[0] for time_s in times_s)
    return LinkTrace(shifted_s, tuple(rates_bps), shifted_s[-1] + LAST_LINE_HOLDS_S, loop)


def _from_packet_times(lines: _Lines, loop: bool) -> LinkTrace:
    packets: list[int] = []
    last_ms = 0.0
    for number, line in lines:
        time_ms = lines.number(number, line)
        if time_ms < last_ms:
            raise lines.bad(number, "order")
        last_ms = time_ms
        slot = int(time_ms // PACKET_SLOT_MS)
        packets.extend([0] * (slot + 1 - len(packets)))
        packets[slot] += 1
    slot_s = PACKET_SLOT_MS / 1000
    return LinkTrace(
        tuple(slot * slot_s for slot in range(len(packets))),
        tuple(count * PACKET_PAYLOAD_BITS / slot_s for count in packets),
        len(packets) * slot_s,
        loop,
    )
