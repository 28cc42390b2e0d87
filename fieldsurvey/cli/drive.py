"""``fieldsurvey drive``: the survey run, in the window or without one."""

import signal
import threading
from pathlib import Path

import click

from fieldsurvey.cli.drive_setup import make_config
from fieldsurvey.cli.profile import profile_option
from fieldsurvey.cli.shell import Shell, WindowRequest, print_json
from fieldsurvey.cli.summary import planned_document, summary_of
from fieldsurvey.cli.talk import Talk
from fieldsurvey.drive.control import DriveControl

LOOK_PERIOD_S = 0.2


@click.command(name="drive")
@click.option("--headless", is_flag=True, help="No window; starts by itself, Ctrl+C stops.")
@click.option("--survey", type=click.Path(path_type=Path), help="Survey file; made if missing.")
@click.option("--position", default="serial:auto", show_default=True, help="Position URI.")
@click.option("--server", help="URL of the measurement server; otherwise the plan's.")
@click.option("--radio", default="none:", show_default=True, help="Radio URI.")
@click.option("--plan", type=click.Path(path_type=Path), help="Survey plan (TOML).")
@click.option("--places", type=click.Path(path_type=Path), help="Places file.")
@click.option(
    "--basemap", type=click.Path(path_type=Path), help="MBTiles or PMTiles file for the map."
)
@click.option(
    "--resume",
    type=click.Choice(["ask", "yes", "no"]),
    default="ask",
    show_default=True,
    help="A drive broken off more than 10 minutes ago: go on with it? (ask: in the window)",
)
@profile_option
@click.option("--json", "as_json", is_flag=True, help="Headless: print the summary as JSON.")
@click.pass_obj
def command(
    shell: Shell,
    headless: bool,
    survey: Path | None,
    position: str,
    server: str | None,
    radio: str,
    plan: Path | None,
    places: Path | None,
    basemap: Path | None,
    resume: str,
    profile_path: Path | None,
    as_json: bool,
) -> None:
    """Drive: a sample every second, throughput tests where the plan wants them."""
    config = make_config(
        survey_path=survey,
        position_uri=position,
        server_url=server,
        radio_uri=radio,
        plan_path=plan,
        places_path=places,
        language=shell.language,
        auto_start=headless,
        resume={"ask": None, "yes": True, "no": False}[resume],
        profile_path=profile_path,
    )
    control = DriveControl(config)
    try:
        if headless:
            drive_headless(shell, control)
        else:
            shell.run_window(
                WindowRequest(control, config.places_path, basemap, shell.language, 100.0, False)
            )
    finally:
        control.close()
    last = control.snapshot()
    summary = summary_of(Path(last.survey_path))
    if last.planned:
        summary["planned"] = planned_document(last.planned)
    if as_json:
        print_json(summary)
    elif headless:
        shell.tell("cli.drive_done", **summary)


def drive_headless(shell: Shell, control: DriveControl) -> None:
    """Follow the drive on stderr until it ends, or SIGINT or SIGTERM arrives."""
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    talk, told = Talk(shell), 0
    try:
        while not stop.wait(LOOK_PERIOD_S):
            snapshot = control.snapshot()
            tests = control.tests_since(told)
            told += len(tests)
            talk.follow(snapshot, tests)
            if snapshot.ended:
                break
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
