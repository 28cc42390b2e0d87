"""The map's promises in figures, with fewer points than the benchmark has: what a frame costs must
not depend on them.

A frame is judged by our own processor time, and a brush by the best of some, because other
programs may keep the processors busy.
"""

from tests.benchmarks.test_map_bench import frames, shown


def test_frames_brush_and_memory_of_a_million_points() -> None:
    report = frames(1_000_000, timeout_s=120)
    figures = shown(report)
    assert report["ours"]["all"]["p95_cpu_ms"] <= 16, figures
    assert report["brush"]["best_ms"] <= 50, figures
    assert report["peak_mb"] <= 300, figures
