"""What ``stats`` shows."""
