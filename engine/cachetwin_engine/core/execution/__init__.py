"""Running commands: sessions, dispatch, admission, routing, timing, and clients that wait."""
