"""``python -m provisioning.cli`` is the program ``provision``."""

from provisioning.cli import main

main()
