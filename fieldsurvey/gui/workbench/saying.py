"""Sentences about what is selected. Each says how many tests it rests on, and none flatters."""

import re

import numpy as np

from fieldsurvey.gui.texts import Texts
from fieldsurvey.gui.workbench.along import Along, Axis
from fieldsurvey.gui.workbench.facts import Bools, Facts
from fieldsurvey.gui.workbench.results import FEWEST, about_the_place
from fieldsurvey.gui.workbench.selection import SelectionModel
from fieldsurvey.model.messages import Message
from fieldsurvey.model.shares import whole_percent

_FIGURES = re.compile(r"(<?)(\d+(?:\.(\d+))?)")
_NAMES = ("a", "b", "operator", "place", "ref")  # a campaign may be called 2026


def share_reaching(facts: Facts, tests: Bools) -> tuple[int, int, int]:
    """Return how many tests that say something of the place there are, how many of them reach the
    target, and how many found no service. Those are counted: no service is not above."""
    telling = tests & about_the_place(facts)
    no_service = telling & facts.tests.fields["result"].is_word("no_service")
    reaching = telling & ~no_service & (facts.rate_bps >= facts.target_bps)
    return tuple(int(np.count_nonzero(part)) for part in (telling, reaching, no_service))  # type: ignore[return-value]  # three of them


def percent(texts: Texts, share: float) -> str:
    """Return a share of 1 in whole per cent."""
    return texts.number(whole_percent(share))


def spoken(texts: Texts, told: Message) -> str:
    """Say what analysis made of figures, which it writes as a program does, in the language's."""
    return texts.say(_with_figures(texts, told))


def _with_figures(texts: Texts, told: Message) -> Message:
    def shown(name: str, value: object) -> object:
        if type(value) is Message:  # a name, which is one as well, holds no figures
            return _with_figures(texts, value)
        if name in _NAMES:
            return value
        if isinstance(value, int | str) and (figures := _FIGURES.fullmatch(str(value))):
            less, figure, decimals = figures.groups(default="")
            return less + texts.number(float(figure), len(decimals))
        return value

    return Message(told.id, {name: shown(name, value) for name, value in told.args.items()})


def share_sentence(texts: Texts, model: SelectionModel, highway_ref: str = "") -> str:
    """Return "63 % of 1,204 tests reach 100 Mbps, 12 without service"."""
    facts = model.facts
    tests = model.tests
    if highway_ref:
        tests = tests & facts.tests.fields["highway_ref"].is_word(highway_ref)
    if model.is_of_some_results:
        # Of tests that reach the target, all do.
        return texts.tr("wb_of_some_results", count=texts.number(int(np.count_nonzero(tests))))
    count, reaching, no_service = share_reaching(facts, tests)
    where = f"{highway_ref}: " if highway_ref else ""
    if not count:
        return where + texts.tr("wb_no_tests")
    if count < FEWEST:
        return where + texts.tr("wb_too_few", count=count, fewest=FEWEST)
    sentence = texts.tr(
        "wb_share_reaching",
        percent=percent(texts, reaching / count),
        count=texts.number(count),
        target=texts.number(facts.target_bps / 1e6),
    )
    if no_service:
        sentence += texts.tr("wb_of_it_no_service", count=texts.number(no_service))
    return where + sentence.replace(" %", "\u00a0%")


def empty_road(texts: Texts, along: Along) -> str:
    """Return why an axis along a highway is empty, "" where it is not."""
    is_empty = along.axis is Axis.ROAD and not along.highway_ref
    return texts.tr("wb_no_road") if is_empty else ""


def counts_line(texts: Texts, model: SelectionModel) -> str:
    """Return "1,204 of 5,310 tests · 34,120 of 1,000,000 seconds"."""
    return texts.tr(
        "wb_counts",
        tests=texts.number(model.tests_count),
        all_tests=texts.number(len(model.tests)),
        seconds=texts.number(model.samples_count),
        all_seconds=texts.number(len(model.samples)),
    )
