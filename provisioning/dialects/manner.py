"""How a family of devices talks on its command line: what to type, what a refusal looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from provisioning.dialects.form import Form, Lines


class Manner(Form):
    """How one family of devices talks. Patterns are Python regular expressions."""

    style: Literal["terminal", "exec"] = Field(
        default="terminal",
        description="terminal: one session that prompts; exec: one SSH command a line, whose exit code is the verdict",
    )
    patience: float = Field(default=30.0, description="seconds of silence that such a device may take")
    greeting: re.Pattern[str] | None = Field(
        default=None, description="what stands at the end when the device wants a key pressed before its first prompt"
    )
    first_prompt: re.Pattern[str] = Field(
        default=re.compile(r"(?:^|[\r\n])(?P<host>[A-Za-z0-9][^\s#>()]*)(?P<mark>[#>]) ?$"),
        description="what stands at the end when the device waits for the first command: groups `host` and `mark`",
    )
    prompt: str = Field(
        default=r"{host}[^\s#>]*[#>] ?", description="every later prompt; {host} is what the first one called itself"
    )
    longest_host: int | None = Field(default=None, description="characters to which the prompt cuts the name")
    privileged: str = Field(default="#", description="marks that say: no `enable` is needed")
    enable: str = "enable"
    prepare: Lines = Field(default=(), description="first of all: no paging, wide lines")
    pager: re.Pattern[str] | None = Field(default=None, description="what a device prints that pages nevertheless")
    mark: str = Field(default="!", description="begins a line that does nothing (a comment)")
    configure: str = Field(default="", description="enters configuration mode; empty: there is none")
    leave: Lines = Field(default=(), description="from any depth of it back; a device that commits does so here")
    save: Lines = Field(default=(), description="makes it survive a restart; empty: it does so anyway")
    saved: re.Pattern[str] | None = Field(default=None, description="how the device confirms `save`")
    question: re.Pattern[str] | None = Field(
        default=None, description="what stands at the end when the device asks whether `save` is meant; `y` is typed"
    )
    rejection: re.Pattern[str] = Field(description="a line of an answer that says: refused")
    busy: re.Pattern[str] | None = Field(
        default=None, description="a refusal that says: somebody else is at work here, try again later"
    )
    verdict: int = Field(default=4, description="lines of an answer among which a refusal stands; text is behind them")
    harmless: re.Pattern[str] = Field(
        default=re.compile(r"(?!)"), description="lines that look like a refusal and are none (log messages, remarks)"
    )
    forbidden: re.Pattern[str] = Field(
        default=re.compile(r"[?|]"), description="characters that mean something to the command line itself"
    )
    longest: int = Field(default=250, description="characters of a line")
    joint: re.Pattern[str] | None = Field(
        default=None, description="exec: lines that begin with this are run as one command, joined by ` -- `"
    )
    words: Mapping[str, str] = Field(
        default={}, description="exec: word → command whose only line of output stands for {word} in other commands"
    )
