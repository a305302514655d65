"""The process of one PC's WS-Management endpoint: ``python -m provisioning.lab.windows SETTINGS.json``."""

import logging
import sys
from pathlib import Path

from provisioning.lab.windows.endpoint import Settings, serve

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
serve(Settings.load(Path(sys.argv[1])))
