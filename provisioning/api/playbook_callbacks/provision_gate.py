"""Lets a playbook begin once it is written down who runs it, and end between two tasks when it is to stop."""

from __future__ import annotations

import os
import select
import signal

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: provision_gate
type: aggregate
short_description: begins and stops a playbook when the program that runs it says so
description:
  - Used by C(provision playbook) only. Does nothing elsewhere.
"""

_GATE = "PROVISION_PLAYBOOK_GATE"


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible has no types
    """What it reads: one octet to begin, a second one to stop. The end of the file: who runs it is dead."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "provision_gate"

    def __init__(self) -> None:
        super().__init__()
        self._gate = int(os.environ[_GATE]) if _GATE in os.environ else None

    def v2_playbook_on_start(self, playbook: object) -> None:  # noqa: ARG002  (Ansible's signature)
        if self._gate is not None and not os.read(self._gate, 1):
            os._exit(1)

    def v2_playbook_on_play_start(self, play: object) -> None:  # noqa: ARG002
        self._stop_if_asked()

    def v2_playbook_on_task_start(self, task: object, is_conditional: bool) -> None:  # noqa: ARG002
        self._stop_if_asked()

    def v2_playbook_on_handler_task_start(self, task: object) -> None:  # noqa: ARG002
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        """Ansible's own way to be interrupted, at a moment when no task is under way (strategy ``linear``)."""
        if self._gate is not None and select.select([self._gate], [], [], 0)[0]:
            os.kill(os.getpid(), signal.SIGINT)
