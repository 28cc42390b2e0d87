"""Joins the NMEA sentences of one moment into one fix.

Must not emit a moment twice, must not emit a position that any sentence of the moment calls
void, and must not repair what the receiver says: a wrong date stays wrong and is flagged later.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pynmeagps import VALNONE, NMEAReader
from pynmeagps.exceptions import NMEAMessageError, NMEAParseError, NMEATypeError

from fieldsurvey.position.nmea_fix import POSITION_KINDS, fix_from
from fieldsurvey.position.sentences import SentenceFinder
from fieldsurvey.position.stream import Arrival, Moment, Statement

KINDS = frozenset({*POSITION_KINDS, "GSA", "GST", "VTG", "ZDA"})

# Sentences of one moment follow each other without a pause; USB adds up to some 20 ms.
QUIET_S = 0.08
# For receivers seen to pause in the middle of a moment. Must stay below a tick of the live source.
PATIENT_S = 0.4


@dataclass(slots=True)
class _Epoch:
    """The sentences of one moment, in order of arrival."""

    at: Moment
    stamp: time | None = None
    order: list[str] = field(default_factory=list)
    sentences: list[tuple[str, Any]] = field(default_factory=list)
    emitted: bool = False


class NmeaDecoder:
    """Bytes in, one statement per moment out.

    A moment is over when the sequence of sentences is complete as learnt from the two moments
    before (so a fix is not held back while satellite lists trickle in at 4800 baud), when the
    time stamp changes, when a sentence comes again, or after a short silence.
    """

    receiver_gone = False  # nothing in NMEA says so

    def __init__(self) -> None:
        self._finder = SentenceFinder()
        self._epoch: _Epoch | None = None
        self._previous_order: list[str] = []
        self._complete: list[str] | None = None
        self._pauses = False
        self._dated: datetime | None = None

    @property
    def understood(self) -> int:
        return self._finder.intact

    @property
    def broken(self) -> int:
        """Sentences that failed their checksum."""
        return self._finder.broken

    @property
    def quiet_s(self) -> float | None:
        if self._epoch is None or self._epoch.emitted:
            return None
        return PATIENT_S if self._pauses else QUIET_S

    def feed(self, arrival: Arrival) -> list[Statement]:
        statements: list[Statement] = []
        for body in self._finder.feed(arrival.data):
            header = body.partition(b",")[0].decode("ascii")
            if len(header) == 5 and header[0] != "P" and header[2:] in KINDS:
                statements += self._take(header, _parse(body), arrival.at)
        return statements

    def flush(self) -> list[Statement]:
        return [] if self._epoch is None else self._emit(self._epoch)

    def _take(self, header: str, sentence: Any, at: Moment) -> list[Statement]:
        if sentence is None:
            return []
        stamp = getattr(sentence, "time", None)
        stamp = stamp if isinstance(stamp, time) else None
        statements: list[Statement] = []
        epoch = self._epoch
        if epoch is None or self._begins_another(epoch, header, stamp):
            statements += self._close()
            epoch = self._epoch = _Epoch(at)
        elif epoch.emitted:
            self._pauses = True
        if epoch.stamp is None:
            epoch.stamp = stamp
        epoch.order.append(header)
        epoch.sentences.append((header[2:], sentence))
        if epoch.order == self._complete:
            statements += self._emit(epoch)
        return statements

    def _begins_another(self, epoch: _Epoch, header: str, stamp: time | None) -> bool:
        if stamp is not None and epoch.stamp is not None:
            return stamp != epoch.stamp or header in epoch.order
        if epoch.emitted:  # without a time stamp it can only belong to what comes next
            return True
        return header in epoch.order and header[2:] != "GSA"  # one GSA per constellation

    def _close(self) -> list[Statement]:
        """Emit the epoch unless that is done, and learn from its sequence of sentences."""
        epoch = self._epoch
        if epoch is None:
            return []
        statements = self._emit(epoch)
        self._complete = epoch.order if epoch.order == self._previous_order else None
        self._previous_order = epoch.order
        return statements

    def _emit(self, epoch: _Epoch) -> list[Statement]:
        if epoch.emitted:
            return []
        epoch.emitted = True
        if not any(kind in POSITION_KINDS for kind, _ in epoch.sentences):
            return []
        gnss = self._gnss_time(epoch)
        fix = fix_from(epoch.sentences, epoch.at, gnss)
        if fix is not None and gnss is not None:  # a void moment's date may be garbage
            self._dated = gnss
        return [fix]

    def _gnss_time(self, epoch: _Epoch) -> datetime | None:
        """Return date and time of the epoch, or None while the receiver has stated no date."""
        if epoch.stamp is None:
            return None
        day = _stated_date(epoch)
        if day is not None:
            return datetime.combine(day, epoch.stamp, UTC)
        if self._dated is None:
            return None
        # Receivers without RMC state the date rarely: count on from the last one, past midnight.
        gnss = datetime.combine(self._dated.date(), epoch.stamp, UTC)
        return gnss + timedelta(days=round((self._dated - gnss) / timedelta(days=1)))


def _stated_date(epoch: _Epoch) -> date | None:
    for kind, sentence in epoch.sentences:
        stated = getattr(sentence, "date", None)
        if isinstance(stated, date):  # RMC
            return stated
        if kind == "ZDA":
            try:
                return date(sentence.year, sentence.month, sentence.day)
            except (AttributeError, TypeError, ValueError):
                continue
    return None


def _parse(body: bytes) -> Any:
    """Return the sentence's fields, or None where they are not what its name promises."""
    try:
        return NMEAReader.parse(b"$" + body + b"*00", validate=VALNONE)
    except (NMEAParseError, NMEAMessageError, NMEATypeError):
        return None
