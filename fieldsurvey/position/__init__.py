"""Where we are: serial NMEA, gpsd, network NMEA, replay, all behind one protocol.

``open_position`` turns a URI into a source. Nothing here smooths, drops or invents a position.
"""

from fieldsurvey.position.uri import open_position, replay_speed

__all__ = ["open_position", "replay_speed"]
