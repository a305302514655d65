"""Windows PCs of the lab: Wine prefixes behind a real WS-Management endpoint and a real SMB server."""

from provisioning.lab.windows.host import WindowsPc, WindowsPcs

__all__ = ["WindowsPc", "WindowsPcs"]
