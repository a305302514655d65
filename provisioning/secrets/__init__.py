"""Secrets: references to values, initial passwords, hand-over."""

from provisioning.secrets.store import Secrets

__all__ = ["Secrets"]
