"""``python -m stacks.memcached.service.storefront``: read the environment, serve until SIGTERM or SIGINT."""

import os
import sys

from stacks.web_app.service.catalogue.serving import serve
from stacks.web_app.service.catalogue.settings import SettingsError

from .settings import Settings
from .web import build_app


def main() -> int:
    """Serve; the exit status. 1 with one line on stderr when the environment is wrong, 0 after a clean stop."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"storefront: {error}\n")
        return 1
    return serve(build_app(settings), settings.host, settings.port)


if __name__ == "__main__":
    sys.exit(main())
