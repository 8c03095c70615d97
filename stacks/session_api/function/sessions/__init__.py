"""Sessions and their state in a Valkey cache, behind an HTTP API."""

__all__: list[str] = []
