"""The commands, one a file: `add` declares its arguments and sets `act`, which does it and gives the exit status."""
