"""watch."""

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.table import command
from cachetwin_engine.memcached.items.watchers import FETCHERS, TOPICS, WATCHERS_MAX, Watcher
from cachetwin_engine.memcached.session import Session


@command(
    b"watch",
    usage="watch [fetchers|mutations|evictions|deletions|connevents ...]",
    summary="Receive a line for each thing of these kinds that happens, on a connection of its own.",
    group="server",
    since="1.4.26",
)
def watch(session: Session, words: list[bytes]) -> bytes:
    """Watch what happens."""
    if not session.settings.watch_enabled:
        return b"CLIENT_ERROR watch commands not allowed\r\n"
    if session.has_unsent:
        return b"ERROR cannot pipeline other commands before watch\r\n"
    mask = FETCHERS if len(words) == 1 else 0
    for word in words[1:]:
        if word not in TOPICS:
            return replies.ERROR
        mask |= TOPICS[word]
    watchers = session.store.watchers
    if watchers.count() >= WATCHERS_MAX:
        return b"WATCHER_TOO_MANY log watcher limit reached\r\n"
    session.watcher = Watcher(mask, session.settings.watcher_buffer_bytes)
    watchers.add(session.watcher)
    return replies.OK
