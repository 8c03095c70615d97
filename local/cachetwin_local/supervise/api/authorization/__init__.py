"""Who may call an API: policies of functions, signed tokens, signed requests."""
