"""The personnel office's export becomes people of the site, and these get their accounts.

python hires_from_hr.py SITE EXPORT.csv          says what would be done, and what stands against it
python hires_from_hr.py SITE EXPORT.csv --go     does it; the same command again goes on and does nothing twice

What the export calls its columns is said in the site (hires: columns). Exit codes: 0 all is well, 3 rows are left.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from provisioning import ProvisioningError, Site


def hire(folder: Path, export: Path, *, go: bool) -> int:
    """The exit code after adding and onboarding everybody in `export`."""
    site = Site.load(folder)
    new = site.newcomers(export)
    for line in new.lines:
        print(f"new: {line}")
    for row in new.hires.rows:
        for sentence in (*([row.fault] if row.fault else []), *row.warnings):
            print(f"{export}:{row.line}: {sentence}")
    if not go:
        return 3 if any(row.fault for row in new.hires.rows) else 0
    if new.people:
        new.write()
        site = Site.load(folder)
    left = 0
    with site.kept_open():  # one sign-in for all of them
        for result in site.onboard_all(site.hires(export).rows):
            print(f"{result.row.person}: {result.state} {result.message}")
            left += not result.is_good
    return 3 if left else 0


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("export", type=Path)
    parser.add_argument("--go", action="store_true", help="do it")
    chosen = parser.parse_args(words)
    try:
        return hire(chosen.site, chosen.export, go=chosen.go)
    except ProvisioningError as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
