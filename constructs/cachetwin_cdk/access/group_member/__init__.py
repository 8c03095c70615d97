"""The function that adds users to imported user groups; see ``member.py``. Deployed as it is."""

__all__: list[str] = []
