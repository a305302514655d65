"""What `provision laps` says of an expiration time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from provisioning.cli.laps import until


def test_a_password_that_is_due_for_a_change_is_not_called_valid() -> None:
    assert until(None) == ""
    assert "valid until 2999-01-02 03:04 UTC" in until(datetime(2999, 1, 2, 3, 4, tzinfo=UTC))
    assert "due for a change since" in until(datetime.now(UTC) - timedelta(minutes=1))
