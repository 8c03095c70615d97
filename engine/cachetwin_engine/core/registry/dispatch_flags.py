"""The flags that send a command through dispatch's slow path: with all of them clear, a command costs one test.

A client's flags (``Session.client_flags``) and the engine's (``Engine.blocked_by``) have no bit in common.
"""

from typing import Final

# Of a client.
CLIENT_NO_AUTH: Final = 1 << 0  # not authenticated, and the default user wants a password
CLIENT_MULTI: Final = 1 << 1  # between MULTI and EXEC
CLIENT_SUBSCRIBED: Final = 1 << 2  # has subscriptions; with RESP2 few commands are allowed
CLIENT_RESTRICTED: Final = 1 << 3  # the user may not do everything
CLIENT_REPLY_OFF: Final = 1 << 4  # CLIENT REPLY OFF or SKIP
CLIENT_TRACKING: Final = 1 << 5  # CLIENT TRACKING remembers the keys that were read
CLIENT_MONITOR: Final = 1 << 6  # runs MONITOR: listens and says nothing more
CLIENT_REPLICA_STREAM: Final = 1 << 7  # a replica that receives the replication stream
CLIENT_METERED: Final = 1 << 16  # its commands are counted and limited, as those of a serverless cache

# Of the engine: why a command may be refused or held back, whoever sends it.
BLOCKED_BY_PAUSE: Final = 1 << 8  # CLIENT PAUSE
BLOCKED_BY_MEMORY: Final = 1 << 9  # maxmemory is set
BLOCKED_BY_CLUSTER: Final = 1 << 10  # cluster mode: keys may live elsewhere
BLOCKED_BY_SCRIPT: Final = 1 << 11  # a script has been running for too long
BLOCKED_BY_REPLICA: Final = 1 << 12  # a replica: not every command is welcome
BLOCKED_BY_DISK: Final = 1 << 13  # the last save failed
BLOCKED_BY_FEW_REPLICAS: Final = 1 << 14  # min-replicas-to-write is set
BLOCKED_BY_LOADING: Final = 1 << 15  # a replica reads its primary's snapshot
