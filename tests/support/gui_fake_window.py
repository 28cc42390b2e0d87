"""Runs the real drive window over a scripted drive in a process of its own.

``python -m tests.support.gui_fake_window --scene driving --report FILE`` shows one scene until it
is closed; the report tells a test what was asked of the drive, what Qt complained about, which
texts did not fit and how late the event loop ever was. Beside the report, ``.asked`` says what was
asked so far and the window has looked at.
"""

import argparse
import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path

import psutil
from PySide6.QtCore import QElapsedTimer, QTimer, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from fieldsurvey.gui.app import run_drive_window
from fieldsurvey.gui.drive_window import POLL_MS, DriveWindow
from fieldsurvey.gui.map_features import features_of
from fieldsurvey.model.tally import Tally
from tests.support.gui_cut_off import cut_off_texts, unnamed_controls
from tests.support.gui_fake_drive import US, FakeDrive, ObedientDrive, whole_drive
from tests.support.gui_features import RealPlaces, few_features
from tests.support.gui_scenes import SCENES

_HEARTBEAT_MS = 5


class Heartbeat:
    """How late the event loop was, at worst, in milliseconds."""

    def __init__(self) -> None:
        self.lateness_ms: list[float] = []
        self._since = QElapsedTimer()
        self._timer = QTimer()
        self._timer.setInterval(_HEARTBEAT_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self._since.start()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _beat(self) -> None:
        self.lateness_ms.append(max(0.0, self._since.nsecsElapsed() / 1e6 - _HEARTBEAT_MS))
        self._since.start()


class PlayedDrive(FakeDrive):
    """A whole drive that goes by in ``lasts_s``, however often it is looked at."""

    def __init__(self, full: FakeDrive, lasts_s: float) -> None:
        super().__init__(full.now)
        self._full = full
        self._lasts_s = lasts_s
        self._began_s = time.monotonic()

    def _share(self) -> float:
        return min(1.0, (time.monotonic() - self._began_s) / self._lasts_s)

    def trail_since(self, index: int) -> list:
        return self._full.trail[index : int(len(self._full.trail) * self._share())]

    def tests_since(self, index: int) -> list:
        return self._full.tests[index : int(len(self._full.tests) * self._share())]

    def snapshot(self):
        share = self._share()
        seconds = max(1, int(len(self._full.trail) * share))
        point = self._full.trail[seconds - 1]
        tests = int(len(self._full.tests) * share)
        return replace(
            self.now,
            utc_us=point.utc_us + US,
            mono_us=point.mono_us + US,
            fix=replace(
                self.now.fix, latitude_deg=point.latitude_deg, longitude_deg=point.longitude_deg
            ),
            last_test=self._full.tests[tests - 1] if tests else None,
            counts=replace(self.now.counts, samples=seconds, tally=Tally(above=tests)),
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", default="driving")
    parser.add_argument("--language", default="en")
    parser.add_argument("--size", default="")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--grab", type=Path)
    parser.add_argument("--basemap", type=Path)
    parser.add_argument("--geography", type=Path)
    parser.add_argument("--zoom", type=float, default=0)
    parser.add_argument("--close-after-s", type=float, default=0)
    parser.add_argument("--play-s", type=float, default=0)
    parser.add_argument("--play-seconds", type=int, default=12_000)
    return parser.parse_args()


def _drive(arguments: argparse.Namespace) -> FakeDrive:
    if arguments.play_s:
        return PlayedDrive(whole_drive(arguments.play_seconds, 300), arguments.play_s)
    if arguments.scene == "obedient":
        ready = SCENES["ready"]()
        return ObedientDrive(ready.now)
    return SCENES[arguments.scene]()


def main() -> None:
    arguments = _arguments()
    complaints: list[str] = []
    qInstallMessageHandler(lambda _kind, _context, text: complaints.append(text))
    drive = _drive(arguments)
    features = (
        few_features()
        if arguments.geography is None
        else features_of(RealPlaces(arguments.geography))
    )
    report: dict[str, object] = {}
    beats: list[Heartbeat] = []
    told: list[str] = []
    telling = QTimer()
    telling.timeout.connect(lambda: tell())

    def window() -> DriveWindow:
        return next(w for w in QApplication.topLevelWidgets() if isinstance(w, DriveWindow))

    def say_ready(tries_left: int) -> None:
        """Tell the test once the keyboard is ours (a bare X server never says so)."""
        if window().isActiveWindow() or not tries_left:
            arguments.report.with_suffix(".ready").touch()
        else:
            QTimer.singleShot(50, lambda: say_ready(tries_left - 1))

    def ready() -> None:
        report["shown_after_s"] = time.time() - psutil.Process().create_time()
        if arguments.size:
            width, height = map(int, arguments.size.split("x"))
            window().showNormal()
            window().resize(width, height)
        if arguments.zoom:
            window()._map.zoom_by(arguments.zoom)
        beats.append(Heartbeat())
        QTimer.singleShot(400, beats[0].start)
        if arguments.report is not None:
            say_ready(tries_left=300)
            telling.start(2 * POLL_MS)
        if arguments.close_after_s:
            QTimer.singleShot(int(arguments.close_after_s * 1000), finish)

    def tell() -> None:
        """Say what was asked before the window last looked at the drive."""
        asked_file = arguments.report.with_suffix(".asked")
        asked_file.write_text("\n".join(told))
        told[:] = drive.asked

    def finish() -> None:
        beats[0].stop()
        shown = window()
        report["cut_off"] = cut_off_texts(shown)
        report["unnamed"] = unnamed_controls(shown)
        report["size"] = [shown.width(), shown.height()]
        report["theme"] = shown._look.theme.name
        report["seconds_shown"] = shown._trail.count
        report["tests_shown"] = len(shown._map.tests)
        if arguments.grab is not None:
            shown.grab().save(str(arguments.grab))
        shown.close()

    code = run_drive_window(
        drive,
        features=features,
        basemap=arguments.basemap,
        language=arguments.language,
        on_ready=ready,
    )
    with contextlib.suppress(IndexError):
        beats[0].stop()
        report["lateness_ms"] = sorted(beats[0].lateness_ms)[-10:]
        report["beats"] = len(beats[0].lateness_ms)
    memory = psutil.Process().memory_info()
    report |= {
        "code": code,
        "asked": drive.asked,
        "complaints": complaints,
        "rss_mb": memory.rss / 1e6,
        "threads": psutil.Process().num_threads(),
    }
    if arguments.report is not None:
        arguments.report.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
