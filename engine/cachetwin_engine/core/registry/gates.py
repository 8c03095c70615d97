"""The bits that send a command through dispatch's slow path. All clear, a command costs one test of one integer."""

from typing import Final

# Of a session.
GATE_NO_AUTH: Final = 1  # not authenticated, and the default user wants a password
GATE_MULTI: Final = 2  # between MULTI and EXEC
GATE_SUBSCRIBED: Final = 4  # has subscriptions; with RESP2 few commands are allowed
GATE_RESTRICTED: Final = 8  # the user may not do everything
GATE_REPLY: Final = 16  # CLIENT REPLY OFF or SKIP
GATE_TRACKING: Final = 32  # CLIENT TRACKING remembers the keys that were read
GATE_MONITOR: Final = 64  # runs MONITOR: listens and says nothing more
GATE_FOLLOWER: Final = 128  # a replica that takes our stream

# Of the engine.
GATE_PAUSED: Final = 2  # CLIENT PAUSE
GATE_MEMORY: Final = 4  # maxmemory is set
GATE_CLUSTER: Final = 8  # cluster mode: keys may live elsewhere
GATE_BUSY: Final = 16  # a script has been running for too long
GATE_REPLICA: Final = 32  # a replica: not every command is welcome
GATE_DISK: Final = 128  # the last save failed
GATE_FEW_REPLICAS: Final = 64  # min-replicas-to-write is set
