"""From a device's configuration text to sections: a heading and the lines under it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from provisioning.dialects.ports import Ports

__all__ = ["Block", "blocks_of", "port_of"]


@dataclass
class Block:
    """A heading and the lines under it; a flat line is a block of its own, without a heading."""

    heading: str
    lines: list[str] = field(default_factory=list)


def port_of(ports: Ports, block: Block) -> str | None:
    """The port whose section `block` is."""
    heading = ports.heading.fullmatch(block.heading) if ports.heading is not None and block.heading else None
    return heading["port"] if heading is not None else None


def blocks_of(ports: Ports, output: str) -> Iterator[Block]:
    """What an output of `ports.read` falls into."""
    if ports.layout == "records":
        yield from _records(ports, output)
    elif ports.layout == "flat":
        yield from _flat(ports, output)
    else:
        yield from _indented(ports, output)


def _flat(ports: Ports, output: str) -> Iterator[Block]:
    """The lines that begin with what `heading` matches are a port's section."""
    sections: dict[str, Block] = {}
    for text in map(str.strip, _configuration(ports, output)):
        heading = ports.heading.match(text) if ports.heading is not None else None
        if heading is None:
            yield Block("", [text])
        else:
            sections.setdefault(heading["port"], Block(heading[0])).lines.append(text)
    yield from sections.values()


def _indented(ports: Ports, output: str) -> Iterator[Block]:
    blocks: list[Block] = []
    above: list[tuple[int, str]] = []  # indentation and text of the lines that the next one may stand under
    for text in _configuration(ports, output):
        depth = len(text) - len(text.lstrip())
        above = [(d, line) for d, line in above if d < depth] if ports.nested else []
        if not depth:
            blocks.append(Block(text))
        elif blocks:
            blocks[-1].lines.append(" ".join([*(line for _, line in above), text.strip()]))
            above.append((depth, text.strip()))
    seen: set[str] = set()
    for block in blocks:
        # The first section of a port counts: the configuration comes before anything that imitates it.
        name = port_of(ports, block)
        if name is None or name not in seen:
            yield block
        seen.update([name] if name else [])


def _records(ports: Ports, output: str) -> Iterator[Block]:
    for record in re.split(r"\n\s*\n", output.replace("\r", "")):
        lines = [line.strip() for line in record.splitlines() if line.strip()]
        heading = next((line for line in lines if ports.heading and ports.heading.fullmatch(line)), None)
        if heading is not None:
            yield Block(heading, [line for line in lines if line != heading])


def _configuration(ports: Ports, output: str) -> Iterator[str]:
    """The lines that are configuration: no log messages, no banners."""
    end: str | None = None
    for text in _unbroken(ports, output):
        if not text:
            continue
        if end is not None:
            end = None if (text == end if ports.fence_end else end in text) else end
        elif ports.fence is not None and (fence := ports.fence.match(text)):
            end = ports.fence_end or (None if fence["end"] in text[fence.end("end") :] else fence["end"])
        else:
            yield text


def _unbroken(ports: Ports, output: str) -> Iterator[str]:
    """The lines without log messages. One may stand in the middle of a line: then its halves are put together."""
    before, is_broken = "", False
    for line in output.splitlines():
        text = line.rstrip("\r\n")
        if ports.messages is not None and ports.messages.match(text):
            is_broken = bool(before)
        elif any(noise.match(text) for noise in ports.noise):
            continue
        elif is_broken and _is_second_half(ports, before, text):
            before, is_broken = before + text, False
        else:
            yield before.rstrip()
            before, is_broken = text, False
    yield before.rstrip()


def _is_second_half(ports: Ports, before: str, text: str) -> bool:
    def is_known(line: str) -> bool:
        heading = ports.heading is not None and ports.heading.fullmatch(line.rstrip())
        return bool(heading) or any(rule.line.fullmatch(line.strip()) for rule in ports.rules)

    if ports.layout != "indented" or text.startswith("!") or is_known(text) or not is_known(before + text):
        return False
    return not text.startswith(" ") or not is_known(before)
