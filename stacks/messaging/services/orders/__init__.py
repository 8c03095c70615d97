"""Orders: an API that takes them, a worker that does them, a notifier that tells of them."""

__all__: list[str] = []
