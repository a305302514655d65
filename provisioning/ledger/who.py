"""Who is at the keyboard."""

from __future__ import annotations

import os
import pwd


def acting_user() -> str:
    """The user whom the operating system knows, behind sudo the one who called it.

    Environment variables are believed only where root has set them: anybody may write ``LOGNAME=boss``.
    """
    number = os.getuid()
    if number == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
