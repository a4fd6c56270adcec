"""actorstream."""
