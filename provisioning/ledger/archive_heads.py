"""What stands at the ends of the archive's branches, remembered by the process that wrote it.

Before a configuration is written it is looked up what is kept already. Git is not started for that as long as a branch
is where this process left it: its file says so (gitrepository-layout(5), ``refs``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioning.ledger.git import Git

__all__ = ["Heads"]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_MOST = 8  # branches: the latest configurations, and those before the runs that are under way


@dataclass
class Heads:
    """Branches by name. To be used only while nobody else writes."""

    _known: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)

    def files(self, git: Git, branch: str) -> Mapping[str, str] | None:
        """File → blob, at the end of a branch; ``None``: there is no such branch. Raises :class:`GitError`."""
        commit = _commit(git, branch)
        if commit is None:
            self._known.pop(branch, None)
            return None
        known = self._known.get(branch)
        if known is None or known[0] != commit:
            listed = git.text("ls-tree", "-z", "--full-tree", commit).split("\0")
            rows = (line.partition("\t") for line in listed if line)
            known = commit, {name: kind.split()[2] for kind, _, name in rows}
            self._remember(branch, known)
        return known[1]

    def wrote(self, branch: str, commit: str, files: Mapping[str, str]) -> None:
        """We added these files (or other contents of them) to a branch, by this commit."""
        former = self._known.get(branch, ("", {}))[1]
        self._remember(branch, (commit, {**former, **files}))

    def _remember(self, branch: str, known: tuple[str, Mapping[str, str]]) -> None:
        self._known.pop(branch, None)
        self._known[branch] = known
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]


def _commit(git: Git, branch: str) -> str | None:
    """Where a branch ends. Git keeps that in a file, or elsewhere when it tidied up."""
    try:
        text = (git.repository / branch).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        text = ""
    if not _COMMIT.fullmatch(text):
        text = git.text("for-each-ref", "--format=%(objectname)", branch).strip()
    return text or None
