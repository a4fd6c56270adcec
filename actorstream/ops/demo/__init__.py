"""The demo: a year of real flights through an exactly-once job, and its results."""
