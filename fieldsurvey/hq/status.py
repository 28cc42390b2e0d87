"""What an operator wants to know at a glance: devices, backlog, quarantine, log, room on disk."""

import shutil
from dataclasses import asdict
from typing import Any

from fieldsurvey.hq.station import Station


def status_of(station: Station) -> dict[str, Any]:
    """Return a document of "server", "counts", "log", "devices"; all of it plain JSON."""
    last = station.ledger.history.last_checkpoint()
    per_device = station.ledger.per_device()
    return {
        "server": station.home.settings.server,
        "counts": asdict(station.ledger.counts()),
        "log": {
            "log_origin": station.ledger.log_origin,
            "log_size": station.ledger.history.size(),
            "checkpoint_size": 0 if last is None else last.size,
            "checkpoint": "" if last is None else last.note,
            "free_bytes": shutil.disk_usage(station.home.folder).free,
        },
        "devices": [
            {
                "device": one.device,
                "role": one.role,
                "enrolled_utc_us": one.enrolled_utc_us,
                "revoked_utc_us": one.revoked_utc_us,
                "last_seen_utc_us": one.last_seen_utc_us,
                **per_device.get(one.device, {"batches": 0, "rows": 0, "quarantined": 0}),
            }
            for one in station.ledger.devices.all()
        ],
    }
