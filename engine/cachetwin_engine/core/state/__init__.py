"""The plain state of an engine and of its clients: what every part may read, below all parts."""
