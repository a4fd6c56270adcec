"""Nodes: the processes that the actors of one system live in, and how they find each other."""
