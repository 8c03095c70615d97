"""The command table: one row for each command, and what is derived from a row."""
