"""What belongs to one project on disk: CA, secrets, state, logs."""
