"""Measurements against the lab: `python -m benchmarks.NAME`."""
