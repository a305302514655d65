"""Python's cycle collector, kept away from what stays. A large site and what is compiled from it are millions of
objects; the collector would walk all of them again and again, which takes longer than making them. What is not part of
a cycle is freed as ever.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause it within the block, or within the function that this decorates. Whoever paused it first starts it
    again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()  # and back: all that was made counts as old, and is not walked at once
            gc.unfreeze()
            gc.enable()


@contextmanager
def set_aside() -> Iterator[None]:
    """Within the block, or within the function that this decorates, collect only what is made from now on. For work
    that takes long and leaves cycles behind (sessions to devices), so that the collector must not be paused. The end
    of a :func:`no_collection` within it is its end, too."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
