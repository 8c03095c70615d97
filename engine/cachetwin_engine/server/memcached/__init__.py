"""The shell of the Memcached profile: its command line, its connections and its node."""
