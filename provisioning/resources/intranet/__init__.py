"""The intranet: what is proven about it. Who is let in is a group in the directory."""
