"""Opens everything a drive needs, and finds another way where something is broken.

What can be lived without (an old survey file) becomes a notice; what cannot (a position
URI that means nothing, no folder that can be written) is a KnownError before anything starts.
"""

from dataclasses import dataclass, replace

from fieldsurvey.drive.config import DriveConfig
from fieldsurvey.drive.modem import link_trouble, missing_message
from fieldsurvey.drive.plan_file import check_plan
from fieldsurvey.drive.resume import LastWritten, Resume, decide
from fieldsurvey.drive.snapshot import Health
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.verdict import Target
from fieldsurvey.position import open_position
from fieldsurvey.position.source import PositionSource
from fieldsurvey.radio.source import RadioSource, open_radio
from fieldsurvey.store.store_thread import StoreThread
from fieldsurvey.store.survey_file import UnfinishedDrive
from fieldsurvey.throughput.protocols import PROTOCOLS
from fieldsurvey.throughput.targets import load_targets

Notices = list[tuple[Health, Message]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """All parts of a drive, open; ``config`` names the survey file really used."""

    config: DriveConfig
    store: StoreThread
    source: PositionSource
    radio: RadioSource
    target: Target
    unfinished: UnfinishedDrive | None
    notices: Notices


def prepare(config: DriveConfig) -> Prepared:
    """Open survey, position, radio and target for ``config``; places are left to the drive, as
    they take a moment that a window need not wait for."""
    notices: Notices = []
    check_plan(config.plan)
    target = _target(config)
    if config.plan.protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise KnownError("drive.no_protocol", protocol=config.plan.protocol, known=known)
    for link in config.plan.links:
        if (reason := link_trouble(link)) is not None:
            notices.append((Health.DEGRADED, missing_message(link, reason)))
    source = open_position(config.position_uri, config.clock)
    radio = open_radio(config.radio_uri)
    last_written = LastWritten.of(config.survey_path)
    store = _store(config, notices)
    unfinished = store.submit(lambda survey: survey.unfinished_drive()).result()
    config = replace(config, survey_path=store.path)
    if unfinished is not None and config.resume is None:
        config = replace(config, resume=_resume_by_itself(last_written))
    return Prepared(
        config,
        store,
        source,
        radio,
        target,
        unfinished,
        notices,
    )


def _resume_by_itself(last_written: LastWritten | None) -> bool | None:
    """True if the drive goes on without asking; None leaves the question to the surveyor."""
    if last_written is None or decide(last_written) is Resume.ASK:
        return None
    return True


def _target(config: DriveConfig) -> Target:
    targets = load_targets(config.targets_path)
    if config.plan.target_id not in targets:
        raise KnownError(
            "drive.no_target", target=config.plan.target_id, known=", ".join(sorted(targets))
        )
    return targets[config.plan.target_id]


def _store(config: DriveConfig, notices: Notices) -> StoreThread:
    """Open the survey; beside a broken file, or in the fallback folder, rather than not at all."""
    try:
        store = StoreThread(config.survey_path)
    except KnownError as error:
        in_use = error.message.id == "store.in_use"  # two windows: one of them is enough
        if in_use or config.fallback_folder is None:
            raise
        config.fallback_folder.mkdir(parents=True, exist_ok=True)
        store = StoreThread(config.fallback_folder / config.survey_path.name)
        notices.append((Health.FAILED, error.message))
        notices.append((Health.DEGRADED, message("drive.fallback_folder", path=store.path)))
    if store.notice is not None:
        notices.append((Health.DEGRADED, store.notice))
    return store
