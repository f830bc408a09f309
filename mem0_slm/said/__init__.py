"""What was said: messages as clauses, each of a kind, and what of them nobody may store."""
