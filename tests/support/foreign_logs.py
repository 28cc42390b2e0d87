"""Logs as other tools write them, made up: the layouts are theirs, no value is."""

import re
from collections.abc import Sequence
from pathlib import Path

GNETTRACK_LOG = re.split(
    " ",
    "Timestamp Longitude Latitude Operatorname Operator Cellname Node CellID LAC NetworkTech Level"
    " Qual SNR CQI LTERSSI ARFCN PSC Altitude Distance TA BAND",
)
GNETTRACK_TESTS = re.split(
    " ",
    "Timestamp Longitude Latitude Operatorname Node CellID LAC NetworkTech Level Qual SNR CQI"
    " LTERSSI PINGAVG PINGMIN PINGMAX PINGSTDEV PINGLOSS TESTDOWNLINK TESTUPLINK TESTDOWNLINKMAX"
    " TESTUPLINKMAX",
)
GNETTRACK_EVENTS = re.split(
    " ",
    "Timestamp Longitude Latitude Operatorname Node CellID LAC NetworkTech Level Qual SNR CQI"
    " LTERSSI EventType EventDetails State",
)
# The CSV of newer versions, as data sets have it.
GNETTRACK_CSV = re.split(
    " ",
    "Timestamp Longitude Latitude Speed Operatorname CellID NetworkMode RSRP RSRQ SNR CQI RSSI"
    " DL_bitrate UL_bitrate State PINGAVG PINGMIN PINGMAX PINGSTDEV PINGLOSS CELLHEX NODEHEX LACHEX"
    " RAWCELLID NRxRSRP NRxRSRQ",
)
NETWORK_SURVEY_LTE = re.split(
    ",",
    "deviceTime,latitude,longitude,altitude,speed,accuracy,missionId,recordNumber,groupNumber,mcc,"
    "mnc,tac,eci,earfcn,pci,rsrp,rsrq,ta,servingCell,lteBandwidth,provider,signalStrength,cqi,slot,"
    "snr,deviceSerialNumber",
)
NETWORK_SURVEY_NR = re.split(
    ",",
    "deviceTime,latitude,longitude,altitude,speed,accuracy,missionId,recordNumber,groupNumber,mcc,"
    "mnc,tac,nci,narfcn,pci,ssRsrp,ssRsrq,ssSinr,csiRsrp,csiRsrq,csiSinr,ta,servingCell,provider,"
    "slot,deviceSerialNumber",
)
NETWORK_SURVEY_NR_2026 = [
    *NETWORK_SURVEY_NR, "locationAge", "plmn", "connectionStatus", "cellBandwidthsKhz",
]  # fmt: skip


def gnettrack_second(second: int, **cells: object) -> list[object]:
    """A row of the log in 4G, ``second`` seconds after 08:00."""
    values: dict[str, object] = dict.fromkeys(GNETTRACK_LOG, "-") | {
        "Timestamp": f"2026.05.01_{8 + second // 3600:02}.{second // 60 % 60:02}.{second % 60:02}",
        "Longitude": f"{76.9 + second * 1e-4:.6f}",
        "Latitude": f"{43.2 + second * 1e-4:.6f}",
        "Operatorname": "Алатау",
        "Operator": "40177",
        "Node": 12,
        "CellID": 3,
        "LAC": 7000,
        "NetworkTech": "4G",
        "Level": -90 - second % 20,
        "Qual": -10,
        "SNR": "12.0",
        "LTERSSI": -65,
        "Altitude": 700,
        "BAND": "L3",
    }
    return [(values | cells)[name] for name in GNETTRACK_LOG]


def gnettrack_test(
    second: int, down_kbitps: object, up_kbitps: object, **more: object
) -> list[object]:
    """A row of the data tests."""
    of_log = dict(zip(GNETTRACK_LOG, gnettrack_second(second), strict=True))
    values = {name: of_log.get(name, "-") for name in GNETTRACK_TESTS} | {
        "PINGAVG": 45,
        "PINGLOSS": 0,
        "TESTDOWNLINK": down_kbitps,
        "TESTUPLINK": up_kbitps,
        "TESTDOWNLINKMAX": down_kbitps,
        "TESTUPLINKMAX": up_kbitps,
    }
    return [(values | more)[name] for name in GNETTRACK_TESTS]


def write_log(
    path: Path,
    header: Sequence[object],
    rows: Sequence[Sequence[object]],
    *,
    delimiter: str = "\t",
    end: str = "\r\n",
    row_end: str = "",
    encoding: str = "utf-8",
) -> Path:
    """Write a table; ``row_end`` is what a tool leaves behind each row, such as one more tab."""
    lines = [delimiter.join(map(str, header))]
    lines += [delimiter.join(map(str, row)) + row_end for row in rows]
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path
