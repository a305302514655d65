"""A whole office on one machine, of real servers: for the demo, the tests, and for trying things out."""
