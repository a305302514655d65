"""``provision``: one file a verb, no logic. Verbs are loaded on use, so that help is there at once."""

from __future__ import annotations

import gc
import os
import sys
import warnings

_BETWEEN_COLLECTIONS = 20_000
"""Objects. Most of what a command makes stays to its end (modules, the site, the plan), so that looking for garbage
after every 700 of them, as Python does by itself, is time for nothing."""


def main() -> None:
    """The program. Its exit codes are in ``cli.exits``."""
    from provisioning.cli import core_files  # noqa: PLC0415  (importing this package must cost nothing)
    from provisioning.cli.program import PROGRAM  # noqa: PLC0415

    gc.set_threshold(_BETWEEN_COLLECTIONS)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else it looks for some in every package there is
    core_files.forbid()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries say to programmers
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets a question mark, not a traceback.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    PROGRAM.main(prog_name="provision")
