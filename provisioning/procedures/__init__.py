"""What is asked. Pure: the site, what the directory knows of people, and a request make resources and proofs."""
