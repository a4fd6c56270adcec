"""Keyed state: tables in layers, and the changes that rebuild them."""
