"""The ways to measure a link, by name. Each is one module; none knows the others.

``home`` is where those that keep connections between two tests keep them.
"""

from collections.abc import Callable

from fieldsurvey.throughput.home import Home
from fieldsurvey.throughput.protocols.protocol import Protocol


def _native(home: Home) -> Protocol:
    from fieldsurvey.throughput.protocols.native import NativeDialect
    from fieldsurvey.throughput.protocols.session import SessionProtocol

    return SessionProtocol(NativeDialect(), home)


def _speedtest_cli(home: Home) -> Protocol:
    from fieldsurvey.throughput.protocols.speedtest_cli import SpeedtestCliProtocol

    return SpeedtestCliProtocol()


def _ndt7(home: Home) -> Protocol:
    from fieldsurvey.throughput.protocols.foreign import ForeignProtocol
    from fieldsurvey.throughput.protocols.ndt7 import Ndt7Dialect

    return ForeignProtocol(Ndt7Dialect(), counts_uploads=True)


def _librespeed(home: Home) -> Protocol:
    from fieldsurvey.throughput.protocols.foreign import ForeignProtocol
    from fieldsurvey.throughput.protocols.librespeed import LibreSpeedDialect

    return ForeignProtocol(LibreSpeedDialect(), counts_uploads=False)


def _cloudflare(home: Home) -> Protocol:
    from fieldsurvey.throughput.protocols.cloudflare import CloudflareDialect
    from fieldsurvey.throughput.protocols.foreign import ForeignProtocol

    return ForeignProtocol(CloudflareDialect(), counts_uploads=False)


def _iperf3(home: Home) -> Protocol:
    from fieldsurvey.throughput.protocols.iperf3 import Iperf3Protocol

    return Iperf3Protocol()


PROTOCOLS: dict[str, Callable[[Home], Protocol]] = {
    "native": _native,
    "speedtest-cli": _speedtest_cli,
    "ndt7": _ndt7,
    "librespeed": _librespeed,
    "cloudflare": _cloudflare,
    "iperf3": _iperf3,
}
