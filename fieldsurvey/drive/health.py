"""Reads the laptop's own state for the strip: disk, battery. Slow calls, so not in the loop."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class LaptopState:
    """``battery_percent`` and ``on_mains`` are None where there is no battery."""

    free_bytes: int | None
    battery_percent: int | None
    on_mains: bool | None


def read_laptop_state(folder: Path) -> LaptopState:
    """Look at the disk under ``folder`` and at the battery."""
    try:
        free_bytes: int | None = shutil.disk_usage(folder).free
    except OSError:
        free_bytes = None
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError):  # a system without the call, a container without /sys
        battery = None
    if battery is None:
        return LaptopState(free_bytes, None, None)
    return LaptopState(free_bytes, int(battery.percent), bool(battery.power_plugged))
