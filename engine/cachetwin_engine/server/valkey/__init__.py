"""A node of Valkey or Redis OSS: the core on sockets."""
