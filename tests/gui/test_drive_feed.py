"""What is new about a drive arrives once, in order, in portions."""

from dataclasses import replace

from fieldsurvey.gui.drive_feed import POINTS_PER_LOOK, TESTS_PER_LOOK, DriveFeed, News
from fieldsurvey.model.drive import DriveCounts, DriveState
from tests.support.gui_fake_drive import FakeDrive, driving, idle, whole_drive


def _all_news(feed: DriveFeed, looks: int) -> list[News]:
    return [feed.look() for _ in range(looks)]


def test_every_second_and_test_comes_exactly_once() -> None:
    drive = whole_drive(7_500, 250)
    news = _all_news(DriveFeed(drive), 6)
    assert [p for n in news for p in n.points] == drive.trail
    assert [t for n in news for t in n.tests] == drive.tests
    assert max(len(n.points) for n in news) == POINTS_PER_LOOK
    assert max(len(n.tests) for n in news) == TESTS_PER_LOOK
    assert not any(n.another_drive for n in news)


def test_seconds_committed_meanwhile_follow() -> None:
    full = whole_drive(4_000, 0)
    drive = FakeDrive(driving(), trail=full.trail[:3_500])
    feed = DriveFeed(drive)
    got = list(feed.look().points)
    drive.trail = full.trail
    for _ in range(4):
        got += feed.look().points
    assert got == full.trail


def test_a_new_drive_starts_from_its_first_second() -> None:
    first, second = whole_drive(100, 3), whole_drive(20, 1)
    drive = FakeDrive(first.now, first.trail, first.tests)
    feed = DriveFeed(drive)
    feed.look()
    drive.now = replace(first.now, state=DriveState.STOPPED)
    assert not feed.look().another_drive
    drive.now, drive.trail, drive.tests = driving(), second.trail, second.tests
    news = feed.look()
    assert news.another_drive
    assert (news.points, news.tests) == (second.trail, second.tests)


def test_a_new_drive_between_two_looks_is_noticed_by_its_counts() -> None:
    first, second = whole_drive(100, 3), whole_drive(20, 1)
    drive = FakeDrive(driving(counts=DriveCounts(samples=100)), first.trail, first.tests)
    feed = DriveFeed(drive)
    feed.look()
    drive.now, drive.trail, drive.tests = (
        driving(counts=DriveCounts(samples=20)),
        second.trail,
        second.tests,
    )
    news = feed.look()
    assert news.another_drive
    assert news.points == second.trail


def test_an_idle_drive_has_no_news() -> None:
    news = DriveFeed(FakeDrive(idle())).look()
    assert (news.points, news.tests, news.another_drive) == ([], [], False)
