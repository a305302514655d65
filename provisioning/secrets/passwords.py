"""Random passwords by a policy."""

from __future__ import annotations

import secrets as randomness

from pydantic import SecretStr

from provisioning.site.directory import PasswordPolicy


def generate_password(policy: PasswordPolicy) -> SecretStr:
    """A random password (CSPRNG) of ``policy.length`` characters, dashes not counted."""
    letters = [randomness.choice(group) for group in policy.classes]
    letters += [randomness.choice("".join(policy.classes)) for _ in range(policy.length - len(letters))]
    randomness.SystemRandom().shuffle(letters)
    step = policy.groups_of or len(letters)
    return SecretStr("-".join("".join(letters[i : i + step]) for i in range(0, len(letters), step)))
