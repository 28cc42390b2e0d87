"""Questions about many measurements; pure functions over tables."""
