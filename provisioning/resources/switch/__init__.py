"""Access switches: ports, and proofs that a desk is where it should be."""
