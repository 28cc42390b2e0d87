"""``fieldsurvey doctor``: what support needs to know."""

import importlib.metadata
import platform
import shutil

import click

from fieldsurvey import __version__
from fieldsurvey.cli.shell import Shell, config_dir, data_dir, default_places_path, print_json
from fieldsurvey.model.messages import message

PACKAGES = (
    "PySide6-Essentials",
    "pyqtgraph",
    "sqlite-utils",
    "sqlcipher3",
    "speedtest-cli",
    "gpxpy",
    "keyring",
    "pynmeagps",
    "pyserial",
    "polars",
    "shapely",
    "osmium",
)


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Report versions, folders, ports and what is missing; exit code 1 if something is."""
    shell: Shell = ctx.obj
    facts = gather()
    advice = shell.qt_advice()
    if as_json:
        print_json({**facts, "qt_advice": advice})
    else:
        for name, value in facts.items():
            click.echo(f"{name:24} {value}")
        if advice:
            shell.show(message("cli.doctor_qt", line=advice))
    if advice:
        ctx.exit(1)


def gather() -> dict[str, object]:
    """Collect the facts; looks, changes nothing."""
    from serial.tools import list_ports

    from fieldsurvey.store import driver

    existing = next(path for path in (data_dir(), *data_dir().parents) if path.exists())
    facts: dict[str, object] = {
        "fieldsurvey": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": driver.sqlite_version,
        "data_folder": data_dir(),
        "config_folder": config_dir(),
        "free_gb": round(shutil.disk_usage(existing).free / 1e9, 1),
        "places_file": default_places_path() if default_places_path().exists() else None,
        "serial_ports": [port.device for port in list_ports.comports()],
    }
    for package in PACKAGES:
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = None
    return facts
