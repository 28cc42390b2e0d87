"""The one sentence that a supervisor signs: place, verdict, tests, certainty; or what to do."""

from collections.abc import Mapping
from typing import Any

from fieldsurvey.model.messages import Message, message
from fieldsurvey.model.verdict import Verdict


def stretch_sentence(row: Mapping[str, Any], rate_bps: int) -> Message:
    """Return "KZ38-01, km 40–50: below 100 Mbps, 19 tests, 95 %" of a row of judged stretches
    (:data:`fieldsurvey.analysis.stretches.STRETCH_COLUMNS`)."""
    place = message(
        "analysis.stretch",
        ref=row["highway_ref"],
        from_km=f"{row['from_m'] / 1000:g}",
        to_km=f"{row['to_m'] / 1000:g}",
    )
    return verdict_sentence(place, row, rate_bps)


def settlement_sentence(row: Mapping[str, Any], rate_bps: int) -> Message:
    """Return the same of a row of judged settlements."""
    return verdict_sentence(row["settlement_name"] or row["settlement_id"], row, rate_bps)


def cell_sentence(row: Mapping[str, Any], rate_bps: int) -> Message:
    """Return the same of a row of judged cells, named by their middle."""
    from h3.api.basic_int import cell_to_latlng

    latitude, longitude = cell_to_latlng(row["cell"])
    place = message("analysis.cell", position=f"{latitude:.3f}°; {longitude:.3f}°")
    return verdict_sentence(place, row, rate_bps)


def more_tests(number: int) -> Message:
    """Say how many tests an open place needs."""
    if number == 1:
        return message("analysis.one_more_test")
    return message("analysis.more_tests", number=number)


def grouped(number: float) -> str:
    """Return a whole number as people read it: 40 000."""
    return f"{number:,.0f}".replace(",", " ")


def verdict_sentence(place: Message | str, row: Mapping[str, Any], rate_bps: int) -> Message:
    """Say of any place what its verdict's columns say; of which operator, where that is known."""
    if row.get("operator"):
        place = message("analysis.of_operator", place=place, operator=row["operator"])
    about = {
        "place": place,
        "mbps": f"{rate_bps / 1e6:g}",
        "tests": row["tests"],
        "percent": f"{100 - row['error_percent']:g}",
        "more": more_tests(row["tests_needed"]),
    }
    if row["stale"]:
        return message("analysis.stale", **about)
    if row["verdict"] == Verdict.UNDECIDED:
        return message("analysis.undecided", **about)
    sentence = message(f"analysis.{row['verdict']}", **about)
    if row["no_service"]:
        return message("analysis.with_no_service", sentence=sentence, no_service=row["no_service"])
    return sentence
