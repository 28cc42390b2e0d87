"""What a result below target and its repetition on a second server mean together.

Pure. Both tests stay as they were measured; this only reads them.
"""

from fieldsurvey.model.throughput import ThroughputTest
from fieldsurvey.model.verdict import Verdict


def is_below(test: ThroughputTest) -> bool:
    """True if ``test`` says that the place is below its target."""
    return test.judgement is not None and test.judgement.verdict is Verdict.BELOW


def confirmed(first: ThroughputTest, second: ThroughputTest) -> bool | None:
    """Say whether ``second`` bears out that ``first``, a result below target, is the place's.

    True: below on both servers, so the link is what they have in common. False: the second server
    delivered the target, so the first one or the way to it was the limit. None: the second could
    not tell (undecided, failed, called off), or the two are not a pair: not confirmed by it, over
    another link, by another target. Raises ValueError if ``first`` is not below.
    """
    if not is_below(first):
        raise ValueError(f"test {first.test_id} is not below its target")
    if second.confirms != first.test_id or second.link != first.link:
        return None
    judged = second.judgement
    if judged is None or first.judgement is None or judged.target != first.judgement.target:
        return None
    return {Verdict.BELOW: True, Verdict.ABOVE: False}.get(judged.verdict)
