"""Commands on hashes."""

from . import expiry, fields, fields_with_expiry, random_fields

__all__ = ["expiry", "fields", "fields_with_expiry", "random_fields"]
