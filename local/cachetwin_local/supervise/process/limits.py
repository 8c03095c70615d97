"""The limit on open files, which every connection of every client counts against."""

import contextlib
import resource

__all__ = ["raise_open_files_limit"]

_WANTED = 65_536
_NEEDED = 4_096  # the load balancers' and relays' own limits on connections, two descriptors each, and the children


def raise_open_files_limit() -> str | None:
    """Raise the soft limit as far as the hard one allows. Returns a line for people where that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft == resource.RLIM_INFINITY or soft >= most:
        most = soft
    else:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most != resource.RLIM_INFINITY and most < _NEEDED:
        return f"the limit on open files is {most}: many connections at once need {_NEEDED} (ulimit -n)"
    return None
