"""The queries, by what they need."""
