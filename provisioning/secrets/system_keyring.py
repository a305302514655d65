"""``keyring:SERVICE/USER``: the desktop's or the system's password store, by the library keyring (an extra)."""

from __future__ import annotations

from pydantic import SecretStr

from provisioning.errors import SecretError


def read(reference: str, where: str) -> SecretStr:
    """The password of SERVICE and USER in the keyring of whoever runs this."""
    service, _, user = where.rpartition("/")
    found = _look_up(service, user)
    if isinstance(found, str):
        raise SecretError(f"{reference}: {found}")
    return found


def _look_up(service: str, user: str) -> SecretStr | str:
    """The value, or what is wrong and what to do."""
    try:
        import keyring  # noqa: PLC0415  (optional, and it starts a session bus)
        from keyring.errors import KeyringLocked, NoKeyringError  # noqa: PLC0415
    except ImportError:
        return "keyring references need the library keyring; install provisioning[keyring]"
    try:
        value = keyring.get_password(service, user)
    except NoKeyringError:
        return (
            "this machine has no keyring for this user; start one (gnome-keyring, KWallet) or use another kind of "
            "reference"
        )
    except KeyringLocked:
        return "the keyring is locked; unlock it and try again"
    except Exception as exc:  # every keyring has exceptions of its own, and their texts may hold anything
        return f"the keyring gave {type(exc).__name__}; try `keyring get SERVICE USER` by hand"
    if not value:
        return f"the keyring has no password of {user} for {service}; `keyring set {service} {user}` puts it there"
    return SecretStr(value)
