"""Whether somebody pays for every byte of the link, as NetworkManager knows or guesses it.

Must not guess itself: where nobody can be asked (another system, no NetworkManager), nobody knows.
The bus is asked through its own program, which can be given up on: a bus that accepts and then says
nothing holds up whoever talks to it directly.
"""

import re
import subprocess

# NMMetered: https://networkmanager.dev/docs/api/latest/nm-dbus-types.html
_METERED = {1: True, 2: False, 3: True, 4: False}  # 3 and 4 are guesses; 0 is "unknown"
_ANSWER_S = 2.0
_QUESTION = (
    "dbus-send",
    "--system",
    "--print-reply=literal",
    "--dest=org.freedesktop.NetworkManager",
    "/org/freedesktop/NetworkManager",
    "org.freedesktop.DBus.Properties.Get",
    "string:org.freedesktop.NetworkManager",
    "string:Metered",
)
_ANSWER = re.compile(rb"variant\s+uint32 (\d+)")


def metered() -> bool | None:
    """Return whether the link that the system prefers is metered, or None if nobody knows.

    Waits for an answer up to 2 s: not for the thread of a window or of a drive.
    """
    try:
        said = subprocess.run(_QUESTION, capture_output=True, timeout=_ANSWER_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = _ANSWER.search(said)
    return None if answer is None else _METERED.get(int(answer[1]))
