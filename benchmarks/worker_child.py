"""``provision worker`` on a site whose systems are those of :mod:`benchmarks.late_directory`, in a process of its own::

python -m benchmarks.worker_child SOCKET SITE_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.late_directory import stand_in
from provisioning.cli import main

if __name__ == "__main__":
    stand_in(Path(sys.argv[1]))
    sys.argv[1:] = ["--site", sys.argv[2], "worker"]
    main()
