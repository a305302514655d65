"""Telephones: SIP subscribers, the files of desk phones, and the proof that a phone can register."""
