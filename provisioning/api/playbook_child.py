"""Started by ansible-runner in the place of ansible-playbook, which it becomes.

ansible-runner writes the command and the environment of what it starts into a file. So the environment, which may hold
passwords, comes another way: through a file in the memory of the process that asked for it. This file imports nothing
but the standard library, and is run by its path: ``python -I -S playbook_child.py PID FD``.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import sys
import termios
from contextlib import suppress

GATE = "PROVISION_PLAYBOOK_GATE"
"""Environment variable: the descriptor from which the callback plugin reads what it may do."""

_LINES, _COLUMNS = 24, 4000


def main(parent: str, number: str) -> None:
    """Become the command that is in file descriptor `number` of process `parent`."""
    with open(f"/proc/{parent}/fd/{number}", "rb") as file:
        start = json.load(file)
    environment = start["environment"]
    gate = os.open(f"/proc/{parent}/fd/{start['gate']}", os.O_RDONLY)
    os.set_inheritable(gate, True)
    environment[GATE] = str(gate)
    # Nobody sits at this terminal: a question would be waited for for ever. Ansible breaks lines at its width.
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with suppress(OSError), open("/dev/tty", "rb") as terminal:
        fcntl.ioctl(terminal, termios.TIOCNOTTY)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.execve(start["command"][0], start["command"], environment)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
