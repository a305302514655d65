"""Windows PCs of the lab: Wine prefixes behind a real WS-Management endpoint and a real SMB server.

Empty, because each command that is done for real is a process that should start fast.
"""
