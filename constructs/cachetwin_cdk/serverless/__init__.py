"""ServerlessCache and the parts of it."""
