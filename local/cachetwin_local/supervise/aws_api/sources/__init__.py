"""Event sources of functions: queues and streams that are read for them."""
