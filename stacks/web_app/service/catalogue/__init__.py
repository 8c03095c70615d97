"""A product catalogue that asks its cache first: cache-aside over PostgreSQL and Valkey."""

__all__: list[str] = []
