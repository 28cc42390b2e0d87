"""What link we are on: its modem (``none:`` only, so far) and what it costs."""
