"""Cache nodes: one engine process each, and its control channel."""
