"""Whole architectures in one statement each, composed of this library's constructs."""

from .cached_web_app import CachedWebApp

__all__ = ["CachedWebApp"]
