"""``fieldsurvey import``: another tool's log into a survey file."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from fieldsurvey.cli.shell import Shell, ended_as_by_ctrl_c, print_json, progress_bar
from fieldsurvey.export.importing import ImportReport, import_file
from fieldsurvey.export.mean_verdict import RULE
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.verdict import Target
from fieldsurvey.throughput.targets import load_targets


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--survey", required=True, type=click.Path(path_type=Path), help="Made if need be.")
@click.option("--zone", metavar="NAME", help="Of times that have none, e.g. Asia/Almaty; else UTC.")
@click.option("--target", "target_id", default="national-100", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def command(
    shell: Shell,
    files: tuple[Path, ...],
    survey: Path,
    zone: str | None,
    target_id: str,
    as_json: bool,
) -> None:
    """Import FILES: G-NetTrack, Network Survey, iperf3, GPX, or our own exports."""
    target = _target(target_id)
    reports = []
    for file in files:
        with ended_as_by_ctrl_c(), progress_bar(file.name) as tell:
            report = import_file(file, survey, target=target, zone=zone, progress=tell)
        for line in report_lines(file.name, report):
            shell.say(line)
        reports.append(report)
    if as_json:
        print_json([asdict(report) for report in reports])


def _target(target_id: str) -> Target:
    targets = load_targets()
    if target_id not in targets:
        raise KnownError("import.unknown_target", target=target_id, known=", ".join(targets))
    return targets[target_id]


def report_lines(name: str, report: ImportReport) -> Iterator[Message]:
    """Tell an import in words: the whole, and all that was not taken as it stood."""
    yield message(
        "import.done",
        name=name,
        format=report.format,
        rows=report.rows,
        samples=report.samples,
        tests=report.tests,
        events=report.events,
        path=report.survey_path,
    )
    if report.means:
        yield message("import.mean_only", count=report.means, rule=RULE)
    if report.repeated:
        yield message("import.repeated", count=report.repeated)
    if report.known:
        yield message("import.known", count=report.known)
    for reason, count in report.left_out.items():
        yield message(f"import.{reason}", count=count)
    if report.refused:
        yield message("import.refused", count=report.refused)
    if report.odd:
        yield message("import.odd", count=report.odd, path=report.odd_path)
    if report.cells_missing:
        yield message("import.cells_missing", count=report.cells_missing)
    if report.unreadable_cells:
        columns = (f"{column} ({count})" for column, count in report.unreadable_cells.items())
        yield message("import.unreadable_cells", columns=", ".join(columns))
    if report.unused_columns:
        yield message("import.unused", columns=", ".join(report.unused_columns))
    if report.absent_columns:
        yield message("import.absent_columns", columns=", ".join(report.absent_columns))
    if report.zone_assumed:
        yield message("import.zone_assumed", name=name)
