"""All formats that can be read, in the order in which they are asked whether a file is theirs."""

from __future__ import annotations

from fieldsurvey.export.read_exported import ExportedCsv, ExportedGeoJson, ExportedParquet
from fieldsurvey.export.read_gnettrack import GNetTrack
from fieldsurvey.export.read_gpx import ExportedGpx, GpxTrack
from fieldsurvey.export.read_iperf3 import Iperf3
from fieldsurvey.export.read_network_survey import NetworkSurvey
from fieldsurvey.export.reading import Reader
from fieldsurvey.export.source import Source
from fieldsurvey.model.errors import KnownError

READERS: tuple[Reader, ...] = (
    ExportedParquet(),
    ExportedGpx(),
    GpxTrack(),
    ExportedGeoJson(),
    Iperf3(),
    ExportedCsv(),
    NetworkSurvey(),
    GNetTrack(),
)


def find_reader(source: Source) -> Reader:
    """Return the reader of a file, by its content. Raises ``KnownError``
    ``import.unknown_format``."""
    for reader in READERS:
        if reader.recognises(source):
            return reader
    known = ", ".join(reader.name for reader in READERS)
    raise KnownError("import.unknown_format", path=source.path, known=known)
