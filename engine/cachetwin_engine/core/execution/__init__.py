"""The way of a command: session, dispatch, admission, propagation, and clients that wait."""
