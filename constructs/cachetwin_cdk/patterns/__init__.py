"""Reference architectures as constructs: network, compute, database and cache in one statement."""

from ._session_front import ApiType
from ._web_database import ExistingDatabase
from .cached_web_app import CachedWebApp
from .messaging.messaging_services import MessagingServices
from .messaging.service import MessagingService
from .session_api import SessionApi

__all__ = ["ApiType", "CachedWebApp", "ExistingDatabase", "MessagingService", "MessagingServices", "SessionApi"]
