"""What people and programs read: plans, summaries and site things as text, JSON and HTML."""
