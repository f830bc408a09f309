"""Waiting for another process or thread, however busy the machine is."""

import time
from collections.abc import Callable

PATIENCE = 600.0
"""Seconds until a test takes it that something hangs. No test is about this time."""


def until(true: Callable[[], object], alive: Callable[[], bool] = lambda: True, pause: float = 0.002) -> None:
    """Return once `true()` holds; fail when `alive()` does not any more, or after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert alive(), "what was waited for ended before"
        assert time.monotonic() < end, f"still waiting after {PATIENCE:.0f} s"
        time.sleep(pause)
