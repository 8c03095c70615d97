"""HTTP/1.1: the parser that load balancers, APIs and functions share, and the runner's own servers and clients."""
