"""Notice when somebody, or a time service, sets the computer's clock during a drive."""

from fieldsurvey.model.clock import Clock

TOLERANCE_US = 2_000_000


class ClockWatch:
    """Compares the wall clock with the one that never goes back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_us = clock.utc_us() - clock.mono_us()

    def jump_us(self) -> int | None:
        """Return by how much the wall clock was set since the last call, or None."""
        offset_us = self._clock.utc_us() - self._clock.mono_us()
        jump_us = offset_us - self._offset_us
        if abs(jump_us) < TOLERANCE_US:
            return None
        self._offset_us = offset_us
        return jump_us
