"""HQ at a glance, for operators with a browser: plain HTML, no script, nothing from elsewhere.

Says what :func:`fieldsurvey.hq.status.status_of` knows. Words stand beside every colour.
"""

import time
from html import escape
from typing import Any

from fieldsurvey.model.messages import Message, message

REFRESH_S = 60
# Nothing but the page itself: whatever a device could smuggle into it must not run or load.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SILENT_DAYS = 14  # weeks without a network are ordinary, more should be looked into

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  color: #1b1f23; background: #fff }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #d0d7de;
  vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
code, pre { font: .9rem ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap }
.trouble { color: #a40e26; font-weight: 600 }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 }
  th, td { border-color: #30363d } .trouble { color: #ff7b72 } }
"""
_COUNTS = (
    "batches", "rows", "waiting", "merged", "quarantined", "conflicts", "unmirrored",
    "archive_rows", "archive_files", "archive_bytes",
)  # fmt: skip
_TROUBLES = ("quarantined", "conflicts")


def status_page(
    document: dict[str, Any], quarantine: list[dict[str, Any]], language: str, now_utc_us: int
) -> str:
    """Return the page. ``quarantine``: the newest batches that were set aside."""
    texts = _Texts(language)
    title = texts.plain("page_title", server=document["server"])
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{texts.plain('page_made', time=_when(now_utc_us))}</p>",
        _counts(document, texts),
        f"<h2>{texts.plain('page_devices')}</h2>",
        _devices(document["devices"], texts, now_utc_us),
        f"<h2>{texts.plain('page_quarantine')}</h2>",
        _quarantine(quarantine, texts),
        f"<h2>{texts.plain('page_checkpoint')}</h2>",
        f"<pre>{escape(document['log']['checkpoint'])}</pre>",
    ]
    return (
        f'<!doctype html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_S}">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


class _Texts:
    """Messages of HQ as HTML."""

    def __init__(self, language: str) -> None:
        self._language = language

    def plain(self, id: str, /, **args: object) -> str:  # noqa: A002 - it is the id
        """Return the escaped text of ``hq.<id>``."""
        told: Message = message(f"hq.{id}", **args)
        return escape(told.text(self._language))


def _counts(document: dict[str, Any], texts: _Texts) -> str:
    counts = document["counts"] | document["log"]
    rows = []
    for name in (*_COUNTS, "log_size", "free_bytes"):
        value = counts[name]
        trouble = ' class="trouble"' if name in _TROUBLES and value else ""
        shown = _size(value) if name.endswith("bytes") else f"{value:,}".replace(",", "\u202f")
        rows.append(
            f"<tr{trouble}><th>{texts.plain(f'page_{name}')}</th>"
            f'<td class="number" id="{name}">{shown}</td></tr>'
        )
    return f"<table>{''.join(rows)}</table>"


def _devices(devices: list[dict[str, Any]], texts: _Texts, now_utc_us: int) -> str:
    if not devices:
        return f"<p>{texts.plain('page_no_devices')}</p>"
    head = "".join(
        f"<th>{texts.plain(f'page_{name}')}</th>"
        for name in ("device", "role", "last_seen", "batches", "rows", "quarantined", "state")
    )
    rows = "".join(_device(one, texts, now_utc_us) for one in devices)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _device(one: dict[str, Any], texts: _Texts, now_utc_us: int) -> str:
    seen_us = one["last_seen_utc_us"]
    silent = seen_us is None or now_utc_us - seen_us > SILENT_DAYS * 86_400_000_000
    state = "revoked" if one["revoked_utc_us"] is not None else "silent" if silent else "heard"
    cells = [
        f"<code>{escape(one['device'])}</code>",
        texts.plain(f"page_role_{one['role']}"),
        escape(_when(seen_us)),
        *(str(one[name]) for name in ("batches", "rows", "quarantined")),
        texts.plain(f"page_state_{state}", days=SILENT_DAYS),
    ]
    trouble = "" if state == "heard" else ' class="trouble"'
    return f"<tr{trouble}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _quarantine(batches: list[dict[str, Any]], texts: _Texts) -> str:
    if not batches:
        return f"<p>{texts.plain('page_no_quarantine')}</p>"
    head = "".join(
        f"<th>{texts.plain(f'page_{name}')}</th>" for name in ("device", "batch", "rows", "reason")
    )
    rows = "".join(
        f"<tr><td><code>{escape(one['device'])}</code></td>"
        f"<td><code>{escape(one['epoch'])}</code> {one['batch_no']}</td>"
        f"<td>{one['rows']}</td><td>{escape(one['code'])}: {escape(one['detail'])}</td></tr>"
        for one in batches
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _when(utc_us: int | None) -> str:
    if utc_us is None:
        return "–"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(utc_us // 1_000_000))


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
