"""Memcached: keyspace, sessions and both protocols. No I/O, no clock; compiled by mypyc, or run as it is."""
