"""Processes of their own for clients' traffic, so that the supervisor's event loop stays free for what it watches."""
