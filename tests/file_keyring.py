"""A keyring of the library keyring's own kind, in a JSON file: for programs that tests start.

``PYTHON_KEYRING_BACKEND=tests.file_keyring.FileKeyring`` and ``FILE_KEYRING=FILE`` choose it. The file maps
``SERVICE/USER`` to passwords.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Reads only."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        found = json.loads(Path(os.environ["FILE_KEYRING"]).read_text(encoding="utf-8"))
        password: str | None = found.get(f"{service}/{username}")
        return password

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError("this keyring only reads")
