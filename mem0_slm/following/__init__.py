"""Whether a statement follows from what was said, and from which clauses."""
