"""PostgreSQL servers and the TLS relay in front of them."""
