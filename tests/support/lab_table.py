"""Writes what the laboratory saw: a table to read, and a CSV file to compute with."""

import csv
import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.lab_instruments import Reading

_HEAD = "instrument        true measured          interval   error      s     MB"


def table(link_name: str, readings: Sequence[Reading]) -> str:
    """Return one line per reading; rates in Mbit/s of TCP payload."""
    return "\n".join([f"\n{link_name}\n{_HEAD}", *map(_line, readings)])


def _line(one: Reading) -> str:
    interval = ""
    if one.low_bps is not None and one.high_bps is not None:
        interval = f"{one.low_bps / 1e6:.2f}..{one.high_bps / 1e6:.2f}"
    return (
        f"{one.instrument:13} {one.truth_bps / 1e6:8.2f} {one.rate_bps / 1e6:8.2f} {interval:>17} "
        f"{one.error * 100:+6.1f}% {one.seconds:6.2f} {one.link_bytes / 1e6:6.1f}  "
        f"{one.verdict} {one.note} (air at most {one.late_ms:.0f} ms late)"
    )


def append_csv(path: Path, link: dict[str, object], readings: Iterable[Reading]) -> None:
    """Add rows, and the header if the file is new. ``link`` has the same keys every time."""
    is_new = not path.exists()
    rows = [link | dataclasses.asdict(reading) for reading in readings]
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def summary(readings: Sequence[Reading]) -> str:
    """Return, per instrument, how wrong and how dear it was over all links together."""
    lines = []
    for name in dict.fromkeys(reading.instrument for reading in readings):
        mine = [reading for reading in readings if reading.instrument == name]
        done = [reading for reading in mine if reading.truth_bps]
        if not done:
            lines.append(f"{name:13} no reading of {len(mine)}")
            continue
        errors = sorted(abs(reading.error) for reading in done)
        lines.append(
            f"{name:13} {len(done)} of {len(mine)} read: error median "
            f"{statistics.median(errors):.1%}, worst {errors[-1]:.1%}; median "
            f"{statistics.median(one.seconds for one in done):.2f} s, "
            f"{statistics.median(one.link_bytes for one in done) / 1e6:.1f} MB; "
            f"sum {sum(one.link_bytes for one in done) / 1e6:.0f} MB{_verdicts(done)}"
        )
    return "\n".join(lines)


def _verdicts(readings: Sequence[Reading]) -> str:
    judged = [one for one in readings if one.verdict and one.right_verdict is not None]
    if not judged:
        return ""
    right = sum(one.verdict == one.right_verdict for one in judged)
    undecided = sum(one.verdict not in ("above", "below") for one in judged)
    return (
        f"; verdicts where the truth is 15 % away: {right} right, {undecided} undecided, "
        f"{len(judged) - right - undecided} wrong"
    )
