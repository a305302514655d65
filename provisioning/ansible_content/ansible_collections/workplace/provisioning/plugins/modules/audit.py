"""Carried out by the action plugin of the same name."""
