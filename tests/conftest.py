"""Fixtures every test shares: where the real data is, and that nothing is left behind."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"

# Time, rates or frames are measured here: nothing else may have the machine meanwhile.
ALONE = (
    "contract/test_one_link_many_protocols.py",
    "end_to_end/test_throughput_in_the_laboratory.py",
    "end_to_end/test_window_while_driving.py",
    "gui/test_window_performance.py",
    "gui/test_workbench_map_performance.py",
    "unit/drive/test_link_drives.py",
    "unit/export/test_opening_speed.py",
    "unit/export/test_speed.py",
    "unit/places/test_nearest_road_speed.py",
    "unit/support",
    "unit/throughput/server/admission/test_hostile_clients.py",
    "unit/throughput/test_against_iperf3.py",
    "unit/throughput/test_native.py",
    "unit/throughput/test_self_check.py",
    "unit/throughput/test_shaped_link.py",
)
# Minutes, most of them waiting: begun last they would be waited for.
LONGEST = ("end_to_end", "faults", "unit/hq/engines")

# What these begin with takes seconds for each worker that has one of their tests: one has all.
TOGETHER = (
    "unit/analysis/test_questions.py",
    "unit/cli/test_encrypted_laptop.py",
    "unit/cli/test_sync_command.py",
    "unit/cli/test_sync_fetch.py",
    "unit/hq/test_app.py",
    "unit/hq/test_bucket.py",
    "unit/hq/test_command_ask.py",
    "unit/hq/test_pulling.py",
    "unit/hq/test_status_page.py",
    "unit/sync/test_fetching.py",
    "unit/sync/test_pulling.py",
)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Mark what must be alone or together before ``-m`` and pytest-xdist choose; afterwards put
    the longest first."""

    def place(item: pytest.Item) -> str:
        return item.path.relative_to(Path(__file__).parent).as_posix()

    for item in items:
        if place(item).startswith(ALONE):
            item.add_marker("alone")
        if place(item) in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(place(item)))
    yield
    if config.getoption("loadgroup", default=False):  # set in the workers of pytest-xdist
        grouped = (item for item in items if item.get_closest_marker("xdist_group"))
        assert all("@" in item.nodeid for item in grouped), "pytest-xdist ignores its groups"
    items.sort(key=lambda item: not place(item).startswith(LONGEST))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip that says it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder of real data (../shared/data) is not here")
    return SHARED_DATA


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A real measurement server in a process of its own."""
    from tests.support.headless import measurement_server

    with measurement_server() as url:
        yield url


@pytest.fixture
def replay(tmp_path: Path) -> str:
    """A position URI of an hour on a straight road, as fast as the drive tests' clocks."""
    from tests.support.drive_faults import SPEED
    from tests.support.route import write_route

    route = write_route(tmp_path / "route.nmea", seconds=3600)
    return f"replay:{route}?speed={SPEED:g}"


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread or a child process running."""
    threads_before = set(threading.enumerate())
    children_before = descendants()
    yield
    threads = [
        thread
        for thread in threading.enumerate()
        if thread not in threads_before and not thread.daemon
    ]
    for thread in threads:
        thread.join(2.0)
    alive = [thread.name for thread in threads if thread.is_alive()]
    assert not alive, f"threads left behind: {alive}"
    children = [child for child in descendants() if child not in children_before]
    _, running = psutil.wait_procs(children, timeout=2.0)
    names = [child.name() for child in running if child.status() != psutil.STATUS_ZOMBIE]
    for child in running:
        child.kill()
    assert not names, f"processes left behind: {names}"


def descendants() -> set[psutil.Process]:
    """Return the processes under this one. Asking the kernel first whether there are any at all
    saves most tests a walk through all processes of the machine."""
    if hasattr(os, "waitid"):
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return set()
    return set(psutil.Process().children(recursive=True))
