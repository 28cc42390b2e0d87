"""The seam between a test and what is said on its connections.

A dialect opens nothing and decides nothing: it makes the objects that a session drives. Whoever
adds a protocol that loads a link with connections of ours writes one of these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol as _Protocol

from fieldsurvey.model.throughput import MeasurementPlan, PhaseKind
from fieldsurvey.throughput.link import ServerAddress
from fieldsurvey.throughput.loads import Load, Ration
from fieldsurvey.throughput.meter import Meter
from fieldsurvey.throughput.pinger import Pinger


@dataclass(frozen=True, slots=True)
class Orders:
    """What every load of a phase is told. ``wake`` is called when there is something to decide."""

    kind: PhaseKind
    plan: MeasurementPlan
    server: ServerAddress
    measurement_id: str  # the same for all connections of a test
    connections: int
    meter: Meter
    ration: Ration
    seconds: float  # the server is asked for so long: the client ends sooner
    wake: Callable[[], None]


class Dialect(_Protocol):
    """One way to talk to one kind of server."""

    name: str
    most_connections: int | None  # None leaves their number to the plan
    paces: bool  # whether loads keep to the plan's ``pace_bps``

    def pinger(self, server: ServerAddress) -> Pinger:
        """Return what asks for round trips on a connection of its own."""
        ...

    def load(self, orders: Orders) -> Load:
        """Return one connection's load, not yet connected."""
        ...
