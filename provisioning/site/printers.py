"""Printers: the queue on the print server, and the rooms that it serves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from provisioning.site.base import Form, HostName, Model, Text

QueueName = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,78}[A-Za-z0-9._-])?$",
        "a share name of letters, digits, spaces and . _ -",
        80,
    ),
]
"""Share name of a printer on its print server. (A comma would split the name of its registry key.)"""


class Printer(Model):
    """A shared printer. Every PC in one of `rooms` is connected to it, for everybody who signs in there."""

    server: HostName = Field(description="print server")
    queue: QueueName = Field(description="share name there")
    rooms: tuple[Text, ...] = Field(description="rooms as workplaces name them")

    @property
    def share(self) -> str:
        r"""``\\server\queue``."""
        return f"\\\\{self.server}\\{self.queue}"
