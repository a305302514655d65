"""What a device that draws on a screen sends, as plain text."""

from __future__ import annotations

import codecs
import re

__all__ = ["PlainText"]

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Za-z0-9]|[=>78DEMc])")
_NEXT_LINE = re.compile(r"\x1b(?:E|\[(\d{0,3})L)")
_BACK = re.compile(r"\x1b\[(\d{0,3})D")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*|[()])?$")
_SILENT = ("\x00", "\x07")  # padding of slow lines, and the bell


class PlainText:
    """Octets as they come in, without the control sequences (ECMA-48) between the text. Some end a line by ``ESC E``
    (next line) or by inserting one. A sequence or a letter that was cut where a packet ends is put together."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cut_short = ""

    def of(self, octets: bytes) -> str:
        """The text in `octets`."""
        text = self._decoder.decode(octets)
        for silent in _SILENT:
            if silent in text:
                text = text.replace(silent, "")
        if "\x1b" not in text and not self._cut_short:
            return text
        text = self._cut_short + text
        whole = _UNFINISHED.sub("", text)
        self._cut_short = text[len(whole) :]
        whole = _NEXT_LINE.sub(lambda hit: "\r\n" * int(hit[1] or 1), whole)
        return _SEQUENCE.sub("", _BACK.sub(lambda hit: "\b" * int(hit[1] or 1), whole))
