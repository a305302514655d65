"""Mailboxes, and the proof that mail arrives."""
