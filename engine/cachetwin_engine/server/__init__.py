"""The shell around the engine's core: sockets, TLS, signals, the clock and the log."""
