"""Whole architectures in one statement each, composed of this library's constructs."""

from ._session_front import ApiType
from ._web_database import ExistingDatabase
from .cached_web_app import CachedWebApp
from .messaging_services import MessagingService, MessagingServices
from .session_api import SessionApi

__all__ = ["ApiType", "CachedWebApp", "ExistingDatabase", "MessagingService", "MessagingServices", "SessionApi"]
