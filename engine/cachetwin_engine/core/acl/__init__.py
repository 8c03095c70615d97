"""Users, their passwords, and what they may do."""
