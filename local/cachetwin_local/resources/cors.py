"""The CORS settings of an HTTP API or a function URL."""

from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.functions import Cors

__all__ = ["cors_of"]


def cors_of(cors: Properties) -> Cors:
    """What the property says, ``CorsConfiguration`` or ``Cors``."""
    return Cors(
        allow_origins=cors.strings("AllowOrigins"),
        allow_methods=cors.strings("AllowMethods"),
        allow_headers=cors.strings("AllowHeaders"),
        expose_headers=cors.strings("ExposeHeaders"),
        allow_credentials=cors.boolean("AllowCredentials"),
        max_age_s=cors.integer("MaxAge") if "MaxAge" in cors else None,
    )
