"""Any number of PCs for a lab: in the copy of the site, workstations get addresses, and more of them are made up."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from provisioning.errors import LabError

MOST = 100
"""Addresses 127.77.N.101 to .200."""

_FIRST = 101


def give_pcs(site_folder: Path, number: int, count: int) -> list[str]:
    """Let lab `number` of this site have `count` PCs: those that have an address first, then the others of the site,
    then new ones in store (``WS-9001`` …). Gives their names.

    Raises :class:`LabError` when the site has more already, or no ``workstations.csv``.
    """
    if not 1 <= count <= MOST:
        raise LabError(f"a lab has 1 to {MOST} PCs, not {count}")
    file = site_folder / "workstations.csv"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise LabError(f"{file} cannot be read ({exc.strerror}); --pcs needs a site like the example") from exc
    comments = [line for line in lines if line.startswith("#")]
    reader = csv.DictReader([line for line in lines if line and not line.startswith("#")])
    columns, rows = list(reader.fieldnames or ()), list(reader)
    there = [row for row in rows if row["address"]]
    if len(there) > count:
        raise LabError(f"the site has {len(there)} PCs with an address already; ask for as many or more")
    chosen = [*there, *(row for row in rows if not row["address"])][:count]
    while len(chosen) < count:
        chosen.append(_made_up(columns, len(chosen), {row["workstation"] for row in [*rows, *chosen]}))
        rows.append(chosen[-1])
    taken = {row["address"] for row in rows}
    free = (f"127.77.{number}.{octet}" for octet in range(_FIRST, 255) if f"127.77.{number}.{octet}" not in taken)
    for row in chosen:
        row["address"] = row["address"] or next(free)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    file.write_text("".join(f"{line}\n" for line in comments) + text.getvalue(), encoding="utf-8")
    return [row["workstation"] for row in chosen]


def _made_up(columns: list[str], index: int, names: set[str]) -> dict[str, str]:
    number = next(n for n in range(9001, 9999) if f"WS-{n}" not in names)
    row = dict.fromkeys(columns, "")
    return row | {
        "workstation": f"WS-{number}",
        "asset_tag": f"LAB-{number}",
        "mac": f"02:00:5e:90:{index >> 8:02x}:{index & 255:02x}",
        "host": f"ws-{number}.corp.example",
    }
