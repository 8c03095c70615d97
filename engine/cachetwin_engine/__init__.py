"""A cache engine that speaks Valkey / Redis OSS and Memcached on the wire."""
