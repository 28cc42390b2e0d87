"""What is taken out of rows before they are sealed: who the surveyor is, and whose SIM card it is.

No field of ours asks for either. But free text may hold them all the same: the path of a replay
names the owner of its folder, a modem's port its IMEI, a typed mark a telephone number. Each such
piece becomes ``[removed]``, so that a reader knows. The survey file keeps everything; measurements
are never touched. A name that somebody types is not recognised, unless it is the account's own.
"""

import functools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from fieldsurvey.model.drive import Drive, Event, PlannedLink, Sample, SurveyPlan
from fieldsurvey.model.messages import Message
from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.wire.rows import RefusedRow, Row

REMOVED = "[removed]"

# /home/NAME, /Users/NAME, C:\Users\NAME; in JSON and in reprs a backslash is two.
_OWNER = re.compile(r"(/home/|/Users/|\\{1,2}Users\\{1,2})[^/\\\s'\"?#,;)]+")
# A number by itself: no part of a word or a digest, and not the decimals of another.
_BEGINS = r"(?<![^\W_])(?<!\.)"
_ENDS = r"(?![^\W_])"
# IMEI and IMSI have 14 to 16 digits, SIM cards 18 to 22.
_NUMBER = re.compile(rf"(?:{_BEGINS}|(?<=IMEI)|(?<=IMSI)|(?<=ICCID))\d{{14,22}}{_ENDS}")
_AFTER_CODE = rf"[ (-]{{0,2}}\d{{3}}[ )-]{{0,2}}\d{{3}}[ -]?\d{{2}}[ -]?\d{{2}}{_ENDS}"
_PHONE = re.compile(rf"{_BEGINS}\+?[78]{_AFTER_CODE}")
# In the text of a whole row, 16 digits and 11 digits are times in µs.
_NUMBER_IN_ROW = re.compile(rf"{_BEGINS}(?:\d{{14,15}}|\d{{18,22}}){_ENDS}")
_PHONE_IN_ROW = re.compile(rf"\+\d{_AFTER_CODE}")

Clean = Callable[[str], str]


def without_private(row: Row, names: Sequence[str] | None = None) -> Row:
    """Return ``row`` with what is private removed; the very same row if nothing is.

    ``names``: of the surveyor, by default what this computer calls its user and the home folder.
    """
    known = _own_names() if names is None else tuple(names)
    clean = functools.partial(_clean, names=known)
    value = row.value
    match value:
        case Sample(radio=radio) if radio is not None and radio.operator_name:
            name = clean(radio.operator_name)
            if name != radio.operator_name:
                value = replace(value, radio=replace(radio, operator_name=name))
        case Drive():
            value = replace(
                value,
                plan=_plan(value.plan, clean),
                position_uri=clean(value.position_uri),
                radio_uri=clean(value.radio_uri),
            )
        case Event():
            value = replace(value, message=_message(value.message, clean))
        case ThroughputTest():
            value = _test(value, clean)
        case RefusedRow():
            clean_row = functools.partial(_clean, names=known, in_row=True)
            value = RefusedRow(value.kind, clean_row(value.content), clean_row(value.reason))
    return row if value == row.value else replace(row, value=value)


def _clean(text: str, names: Sequence[str], *, in_row: bool = False) -> str:
    for name in names:
        text = re.sub(rf"{re.escape(name)}(?!\w)", REMOVED, text)
    text = _OWNER.sub(rf"\1{REMOVED}", text)
    text = (_NUMBER_IN_ROW if in_row else _NUMBER).sub(REMOVED, text)
    return (_PHONE_IN_ROW if in_row else _PHONE).sub(REMOVED, text)


def _plan(plan: SurveyPlan, clean: Clean) -> SurveyPlan:
    """What HQ asked to be driven is left out as well: its schema has no place for it."""
    links = tuple(_link(link, clean) for link in plan.links)
    return replace(
        plan,
        name=clean(plan.name),
        operator=clean(plan.operator),
        links=links,
        stretches=(),
        settlements=(),
    )


def _link(link: PlannedLink, clean: Clean) -> PlannedLink:
    return replace(link, name=clean(link.name), operator=clean(link.operator))


def _message(message: Message, clean: Clean) -> Message:
    args = {name: _argument(value, clean) for name, value in message.args.items()}
    return message if args == message.args else Message(message.id, args)


def _argument(value: object, clean: Clean) -> object:
    if isinstance(value, Message):
        return _message(value, clean)
    return clean(value) if isinstance(value, str) else value


def _test(test: ThroughputTest, clean: Clean) -> ThroughputTest:
    return replace(
        test,
        measurement=replace(test.measurement, detail=clean(test.measurement.detail)),
        tags={clean(name): clean(value) for name, value in test.tags.items()},
        link=clean(test.link),
        operator=clean(test.operator),
    )


@functools.cache
def _own_names() -> tuple[str, ...]:
    """Return the home folder, and the user's full name where the system knows one."""
    home = str(Path.home())
    names = [home] if len(Path(home).parts) > 1 else []
    if sys.platform != "win32":
        import os
        import pwd

        try:
            full_name = pwd.getpwuid(os.getuid()).pw_gecos.split(",")[0].strip()
        except KeyError:  # an account of a container has no entry
            full_name = ""
        if " " in full_name:  # "root" or "daemon" is nobody, and a word of its own
            names.append(full_name)
    return tuple(names)
