"""HTTP/1.1 for the runner's own servers and clients: whole messages, on asyncio's protocols."""
