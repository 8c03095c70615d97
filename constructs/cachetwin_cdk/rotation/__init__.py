"""Rotation of passwords and tokens without an outage."""

from .auth_token_rotation import AuthTokenRotation
from .user_password_rotation import UserPasswordRotation

__all__ = ["AuthTokenRotation", "UserPasswordRotation"]
