"""How a test of the tables is shown: its outlook, and whether it has a rate to draw.

The table's words come from :class:`fieldsurvey.model.tally.Result`; shape, colour and word of each
are those of the drive window, so that a ▼ means the same in the car and at the desk.
"""

import numpy as np
from numpy.typing import NDArray

from fieldsurvey.gui.reading import Outlook
from fieldsurvey.gui.workbench.facts import Bools, Coded, Facts, Floats
from fieldsurvey.model.tally import Result

OUTLOOK_OF = {
    Result.ABOVE: Outlook.ABOVE,
    Result.BELOW: Outlook.BELOW,
    Result.UNDECIDED: Outlook.UNDECIDED,
    Result.NO_SERVICE: Outlook.NO_SERVICE,
    Result.FAILED: Outlook.FAILED,
    Result.SELF_LIMITED: Outlook.SELF_LIMITED,
    Result.UNJUDGED: Outlook.NOT_TESTED,
    Result.CANCELLED: Outlook.NOT_TESTED,
    Result.SKIPPED: Outlook.NOT_TESTED,
    Result.REPEATED: Outlook.NOT_TESTED,
}
_OUTLOOK_OF_WORD = {result.value: outlook for result, outlook in OUTLOOK_OF.items()}
# In the order they are drawn in: the worst lies on top.
DRAWN = (
    Outlook.NOT_TESTED, Outlook.FAILED, Outlook.SELF_LIMITED, Outlook.UNDECIDED, Outlook.ABOVE,
    Outlook.BELOW, Outlook.NO_SERVICE,
)  # fmt: skip
FEWEST = 5  # tests that a statistic is made of
_WITH_RATE = tuple(result.value for result in (Result.ABOVE, Result.BELOW, Result.UNDECIDED))
_ABOUT_THE_PLACE = (*_WITH_RATE, Result.NO_SERVICE.value)


def outlook_of(word: str) -> Outlook:
    """Return how a word of the column ``result`` looks; an unknown one says nothing."""
    return _OUTLOOK_OF_WORD.get(word, Outlook.NOT_TESTED)


def outlook_ranks(results: Coded) -> NDArray[np.uint8]:
    """Return the index into ``DRAWN`` of every test."""
    of_word = [DRAWN.index(outlook_of(word)) for word in (*results.words, "")]
    return np.array(of_word, np.uint8)[results.codes]


def drawn_rates_mbps(facts: Facts) -> Floats:
    """Return the rate of every test that has one which stands for the place, else NaN: what our
    own side limited has none."""
    with_rate = facts.tests.fields["result"].among(_WITH_RATE)
    return np.where(with_rate, facts.rate_bps / 1e6, np.nan)


def about_the_place(facts: Facts) -> Bools:
    """Return which tests say something of the place: those with a rate, and those without
    service."""
    return facts.tests.fields["result"].among(_ABOUT_THE_PLACE)
