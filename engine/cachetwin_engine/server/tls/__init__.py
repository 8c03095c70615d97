"""TLS: contexts made from files, and certificates that are replaced while clients stay connected."""
