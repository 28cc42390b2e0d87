"""What link we are on. This version knows ``none:`` only."""
