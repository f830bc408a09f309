"""The chat page: its session, what it shows, and how it is served."""
