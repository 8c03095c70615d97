"""``cachetwin-engine`` and ``python -m cachetwin_engine``."""

import gc
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 0 after a clean end, 1 with one line on stderr when the command line cannot be used."""
    gc.disable()  # the start makes next to no garbage; ``server.process`` enables it before it serves
    try:
        from cachetwin_engine.command_line import run_command_line  # noqa: PLC0415  (imported without collections)

        return run_command_line(arguments)
    finally:
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
