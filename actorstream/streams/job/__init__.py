"""A job at run time: its coordinator, its tasks, the channels between them, checkpoints and recovery."""
