"""The control socket of a supervisor: its own end, and that of the commands."""
