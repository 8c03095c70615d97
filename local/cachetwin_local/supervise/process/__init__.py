"""Child processes, their sockets and files."""
