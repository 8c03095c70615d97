"""The parameters of an engine: what CONFIG GET and SET see, and typed copies of those that hot code reads."""


class Config:
    """Parameters by name, as text; attributes for the ones that are read on every request."""

    def __init__(self) -> None:
        self.databases = 16
        self.proto_max_bulk_len = 512 * 1024 * 1024
        self.slowlog_log_slower_than = 10_000  # microseconds, negative: never
        self.maxclients = 10_000
        self.extended_redis_compatibility = False
        self.cluster_enabled = False
