"""``fieldsurvey demo``: the whole job with real parts, without a car.

A measurement server and a shaped link run as processes of their own; the position is replayed;
everything between is the application as it drives. Afterwards an HQ receives it all.
"""

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fieldsurvey.cli.child import ChildProcess
from fieldsurvey.cli.demo_sync import sync_demo
from fieldsurvey.cli.drive import drive_headless
from fieldsurvey.cli.drive_setup import make_clock
from fieldsurvey.cli.shell import Shell, WindowRequest, data_dir, print_json
from fieldsurvey.cli.summary import summary_of
from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.control import DriveControl
from fieldsurvey.export.registry import export_survey
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.model.radio import AccessType
from fieldsurvey.places.places_file import import_files
from fieldsurvey.sync.profile import Profile

MEASURE_SERVER = (
    *("fieldsurvey", "measure-server", "--listen", "127.0.0.1:0"),
    "--until-stdin-closes",
)
ROUTE_S = 1150
DEFAULT_SPEED = 12.0  # the route in 96 seconds


@click.command(name="demo")
@click.option("--headless", is_flag=True, help="No window, even where there is a display.")
@click.option("--speed", default=DEFAULT_SPEED, show_default=True, help="Times real time.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for survey and exports.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def command(shell: Shell, headless: bool, speed: float, out: Path | None, as_json: bool) -> None:
    """Do the whole job on a synthetic drive over a real, shaped TCP link."""
    folder = out or data_dir() / "demo" / f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True)
    shell.tell("cli.demo_begins", folder=folder, minutes=f"{ROUTE_S / speed / 60:.1f}")
    window = not headless and shell.window_possible()
    survey_path = drive_demo(shell, folder, speed, window=window)
    summary = summary_of(survey_path)
    exports = {name: folder / f"demo.{name}" for name in ("gpx", "csv")}
    for name, path in exports.items():
        export_survey(survey_path, name, path, language=shell.language)
    shell.tell("cli.drive_done", **summary)
    for path in exports.values():
        shell.tell("cli.demo_export", path=path)
    synced = sync_demo(
        shell, _fresh(folder / "hq"), Profile(_fresh(folder / "profile")), survey_path
    )
    for receipt in synced.receipts:
        shell.tell(
            "cli.demo_receipt",
            batch_no=receipt.batch_no,
            rows=receipt.rows,
            log_index=receipt.log_index,
            sha256=receipt.sha256[:16],
        )
    shell.tell("cli.demo_archived", rows=synced.archive_rows)
    if as_json:
        delivered = {
            "batches": synced.batches,
            "acknowledged": len(synced.receipts),
            "archive_rows": synced.archive_rows,
        }
        print_json({**summary, **exports, **delivered})


def drive_demo(shell: Shell, folder: Path, speed: float, *, window: bool) -> Path:
    """Drive the synthetic route once; return the survey file that was really written."""
    demo = resources_dir() / "demo"
    places_path = folder / "demo.places"
    import_files([demo / "places.geojson"], places_path)
    with server_and_link(demo / "link.csv", speed) as (server_url, start_link):
        position_uri = f"replay:{demo / 'route.nmea'}?speed={speed:g}"
        control = DriveControl(
            DriveConfig(
                survey_path=_fresh(folder / "demo.fsurvey"),
                plan=demo_plan(server_url),
                position_uri=position_uri,
                clock=make_clock(position_uri),
                places_path=places_path,
                language=shell.language,
                auto_start=True,
            )
        )
        start_link()
        try:
            if window:
                shell.run_window(
                    WindowRequest(control, places_path, None, shell.language, 100.0, True)
                )
            else:
                drive_headless(shell, control)
        finally:
            control.close()
    return Path(control.snapshot().survey_path)


def demo_plan(server_url: str) -> SurveyPlan:
    """Tests often enough that a two-minute demo shows every kind of result."""
    return SurveyPlan(
        name="demo",
        server_url=server_url,
        operator="Demo operator",
        access_type=AccessType.MOBILE,
        trigger_distance_m=1_500.0,
        trigger_period_s=45.0,
        minimum_gap_s=5.0,
        calibrate_every=0,  # ten real seconds are minutes of this road
    )


@contextmanager
def server_and_link(trace_path: Path, speed: float) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a measurement server and a link shaped by ``trace_path`` in front of it."""
    with (
        ChildProcess(*MEASURE_SERVER) as server,
        ChildProcess(
            "fieldsurvey.throughput.shaped_link",
            *("--listen", "127.0.0.1:0", "--target", f"127.0.0.1:{server.ready_port()}"),
            *("--trace", str(trace_path), "--speed", f"{speed:g}", "--ready-json"),
        ) as link,
    ):
        yield f"http://127.0.0.1:{link.ready_port()}", lambda: link.write_line("start")


def _fresh(path: Path) -> Path:
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return candidate
