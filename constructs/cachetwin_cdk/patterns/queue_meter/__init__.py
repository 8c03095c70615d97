"""The function that measures the job queues of MessagingServices; see ``meter.py``. Deployed as it is."""

__all__: list[str] = []
