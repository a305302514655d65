"""How a lab switch writes times."""

from __future__ import annotations

import time


def log_stamp() -> str:
    """``*Nov 23 05:30:11.123``, before a log message."""
    now = time.time()
    return time.strftime("*%b %e %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}"


def clock() -> str:
    """``show clock``."""
    now = time.time()
    whole = time.gmtime(now)
    return time.strftime("*%H:%M:%S", whole) + f".{int(now % 1 * 1000):03}" + time.strftime(" UTC %a %b %e %Y", whole)


def ago(seconds: float | None) -> str:
    """``00:00:07``, ``1d02h``, or ``never``."""
    if seconds is None:
        return "never"
    whole = int(seconds)
    days, rest = divmod(whole, 86400)
    if days >= 7:
        return f"{days // 7}w{days % 7}d"
    if days:
        return f"{days}d{rest // 3600:02}h"
    return f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
