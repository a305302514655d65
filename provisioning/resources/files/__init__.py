"""File servers: folders with their owners and access lists, and the proof that nobody else gets in."""
