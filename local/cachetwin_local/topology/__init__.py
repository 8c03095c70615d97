"""The topology: what should run on this machine, as a value that every part of the runner shares."""
