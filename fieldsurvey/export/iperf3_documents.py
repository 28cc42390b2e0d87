"""The documents in a file of iperf3, one after the other, each with the line it begins in.

The events of a stream become the document that ``-J`` would have written. Must not judge them; what
is no JSON is told as such, and the next document is found behind it: scripts write dates between
runs, and warnings of iperf3 get among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fieldsurvey.export.delimited import OddRow

Document = Mapping[str, Any]


def runs_of(content: str) -> Iterator[tuple[int, Document | OddRow]]:
    """Yield each document with its line; those of a stream are put together first."""
    decoder = json.JSONDecoder()
    run: dict[str, Any] = {}
    run_line = at = counted = 0
    line = 1
    while True:
        while at < len(content) and content[at] in "\ufeff \r\n\t,[]":
            at += 1
        if at >= len(content):
            break
        line += content.count("\n", counted, at)  # a day's stream has 100,000 documents
        counted = at
        try:
            if content[at] != "{":  # a date is several documents of JSON, and none of iperf3
                raise ValueError
            said, at = decoder.raw_decode(content, at)
        except ValueError:
            after = content.find("\n{", at + 1)
            end = len(content) if after < 0 else after
            yield line, OddRow(line, "odd_json", content[at:end][:2_000])
            at = end
            continue
        if "event" in said:
            kind, data = said.get("event"), said.get("data")
            if kind == "start" or not run:
                if run:
                    yield run_line, run
                run, run_line = {"start": {}, "intervals": []}, line
            if kind == "interval":
                run["intervals"].append(data)
            else:
                run[str(kind)] = data
        else:
            yield line, said
    if run:
        yield run_line, run
