"""``python -m provisioning.lab.switch SETTINGS.json …``: the process of the lab's switches."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from provisioning.lab.switch.server import serve

logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
asyncio.run(serve([Path(word) for word in sys.argv[1:]]))
