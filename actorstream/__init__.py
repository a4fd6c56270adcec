"""actorstream: a persistent log and an exactly-once stream processor, in one package.

The public names, and nothing else.
"""
