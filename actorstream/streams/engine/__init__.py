"""What operators do at run time: plain objects that take batches and give batches. No actor, no clock, no disk."""
