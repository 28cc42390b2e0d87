"""The ways to measure a link, by name. Each is one module; none knows the others."""

from collections.abc import Callable

from fieldsurvey.throughput.protocols.protocol import Protocol


def _native() -> Protocol:
    from fieldsurvey.throughput.protocols.native import NativeDialect
    from fieldsurvey.throughput.protocols.session import SessionProtocol

    return SessionProtocol(NativeDialect())


def _speedtest_cli() -> Protocol:
    from fieldsurvey.throughput.protocols.speedtest_cli import SpeedtestCliProtocol

    return SpeedtestCliProtocol()


PROTOCOLS: dict[str, Callable[[], Protocol]] = {
    "native": _native,
    "speedtest-cli": _speedtest_cli,
}
