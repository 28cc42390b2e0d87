"""Who counts as one client, and what it had within the last hour.

Must not outlive its use: only in memory, forgotten after an hour, and never more than so many.
"""

import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass

HOUR_S = 3600
_BUCKET_S = 60
MOST_CLIENTS = 20_000
_PREFIX_OF_A_HOME = 64  # IPv6: whoever has one address has all of these
_LOGGED_PREFIX = {4: 24, 6: 48}


def client_of(address: str | None) -> str:
    """Return the client behind a peer's address: the IPv4 address, or the IPv6 /64."""
    ip = _parsed(address)
    if ip is None:
        return ""
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.ip_network((int(ip), _PREFIX_OF_A_HOME), strict=False).network_address)


def network_of(address: str | None) -> str:
    """Return the /24 or /48 in which a client is: what may be written down of it."""
    ip = _parsed(address)
    if ip is None:
        return ""
    network = ipaddress.ip_network((ip.packed, _LOGGED_PREFIX[ip.version]), strict=False)
    return str(network)


def _parsed(address: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


@dataclass(slots=True)
class _Minute:
    began_s: float
    tests: int = 0
    byte_count: int = 0


class Hour:
    """Tests and bytes of the last hour, to the minute. Times are the caller's monotonic seconds."""

    def __init__(self) -> None:
        self._minutes: deque[_Minute] = deque()

    def add(self, now_s: float, *, tests: int = 0, byte_count: int = 0) -> None:
        self._forget(now_s)
        if not self._minutes or now_s - self._minutes[-1].began_s >= _BUCKET_S:
            self._minutes.append(_Minute(now_s))
        self._minutes[-1].tests += tests
        self._minutes[-1].byte_count += byte_count

    def tests(self, now_s: float) -> int:
        self._forget(now_s)
        return sum(minute.tests for minute in self._minutes)

    def byte_count(self, now_s: float) -> int:
        self._forget(now_s)
        return sum(minute.byte_count for minute in self._minutes)

    def wait_s(self, now_s: float, *, tests: int, byte_count: int) -> float:
        """Return how long until the hour holds fewer than both; 0 if it does already."""
        self._forget(now_s)
        left_tests, left_bytes = self.tests(now_s), self.byte_count(now_s)
        if left_tests < tests and left_bytes < byte_count:
            return 0.0
        for minute in self._minutes:
            left_tests -= minute.tests
            left_bytes -= minute.byte_count
            if left_tests < tests and left_bytes < byte_count:
                return minute.began_s + HOUR_S + _BUCKET_S - now_s
        return float(HOUR_S)

    def _forget(self, now_s: float) -> None:
        while self._minutes and now_s - self._minutes[0].began_s >= HOUR_S + _BUCKET_S:
            self._minutes.popleft()


class ClientHours:
    """The hours of the clients seen last; the one not seen for longest is forgotten first."""

    def __init__(self, most: int = MOST_CLIENTS) -> None:
        self._hours: OrderedDict[str, Hour] = OrderedDict()
        self._most = most

    def of(self, client: str) -> Hour:
        hour = self._hours.setdefault(client, Hour())
        self._hours.move_to_end(client)
        if len(self._hours) > self._most:
            self._hours.popitem(last=False)
        return hour

    def __len__(self) -> int:
        return len(self._hours)
