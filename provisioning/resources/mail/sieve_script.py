"""Our Sieve script (RFC 5228): written and read back, always in one form. Pure.

``redirect`` with ``:copy`` (RFC 3894) forwards, ``vacation`` (RFC 5230) replies once a week to each sender, ``include``
(RFC 6609) carries out the person's own script as well. A comment remembers which script was active before ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

NAME = "provisioning"
"""What our script is called on the server."""

DAYS = 7
"""A sender is told once in so many days."""

_MARK = "# Written by provisioning: changes made here by hand are not kept.\n"
_STRING = r'"((?:[^"\\]|\\["\\])*)"'
_FORM = re.compile(
    re.escape(_MARK)
    + r"(?:# Active before: (?P<theirs>[^\n]*)\n)?"
    + r"(?:require \[[^\]]*\];\n)?"
    + rf"(?:redirect(?P<copy> :copy)? {_STRING.replace('(', '(?P<to>', 1)};\n)?"
    + rf"(?:vacation :days {DAYS}(?P<has_subject> :subject {_STRING.replace('(', '(?P<subject>', 1)})? "
    + rf"{_STRING.replace('(', '(?P<reply>', 1)};\n)?"
    + rf"(?P<include>include :personal :optional {_STRING};\n)?"
)


@dataclass(frozen=True)
class Script:
    """What our script does. `theirs` was active before it, and is carried out after it where it is `included`."""

    forward_to: str | None = None
    keep_copy: bool = True
    reply: str | None = None
    subject: str | None = None
    theirs: str | None = None
    included: bool = False

    def including(self) -> Script:
        """The same, which carries out the person's script as well."""
        return replace(self, included=self.theirs is not None)


def needed(script: Script) -> frozenset[str]:
    """The extensions that it uses."""
    wanted = set()
    if script.forward_to is not None and script.keep_copy:
        wanted.add("copy")
    if script.reply is not None:
        wanted.add("vacation")
    if script.included:
        wanted.add("include")
    return frozenset(wanted)


def render(script: Script) -> str:
    """The script's text, with ``\\n`` at the ends of lines."""
    text = _MARK
    if script.theirs is not None:
        text += f"# Active before: {json.dumps(script.theirs)}\n"
    if used := needed(script):
        text += f"require [{', '.join(_quoted(name) for name in sorted(used))}];\n"
    if script.forward_to is not None:
        text += f"redirect{' :copy' if script.keep_copy else ''} {_quoted(script.forward_to)};\n"
    if script.reply is not None:
        subject = "" if script.subject is None else f" :subject {_quoted(script.subject)}"
        text += f"vacation :days {DAYS}{subject} {_quoted(script.reply)};\n"
    if script.included and script.theirs is not None:
        text += f"include :personal :optional {_quoted(script.theirs)};\n"
    return text


def parse(text: str) -> Script:
    """What :func:`render` wrote. Raises :class:`ValueError` for every other text."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("it is not in the form in which it was written")
    forward_to, reply = found["to"], found["reply"]
    try:
        theirs = None if found["theirs"] is None else str(json.loads(found["theirs"]))
    except ValueError:
        raise ValueError("its second line does not say which script was active before") from None
    script = Script(
        None if forward_to is None else _plain(forward_to),
        forward_to is None or found["copy"] is not None,
        None if reply is None else _plain(reply),
        None if found["subject"] is None else _plain(found["subject"]),
        theirs,
        found["include"] is not None,
    )
    if render(script) != text:
        raise ValueError("its lines do not belong together")
    return script


def _quoted(text: str) -> str:
    """A string (RFC 5228, 2.4.2): it may hold line breaks; only ``\\`` and ``"`` are escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
