"""What the byte in front of a value says (rdb.h, RDB_TYPE_*)."""

from typing import Final

STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3  # scores as text
HASH: Final = 4
ZSET_2: Final = 5  # scores as doubles
HASH_ZIPMAP: Final = 9
LIST_ZIPLIST: Final = 10
SET_INTSET: Final = 11
ZSET_ZIPLIST: Final = 12
HASH_ZIPLIST: Final = 13
LIST_QUICKLIST: Final = 14
STREAM: Final = 15
HASH_LISTPACK: Final = 16
ZSET_LISTPACK: Final = 17
LIST_QUICKLIST_2: Final = 18
STREAM_2: Final = 19  # counts what was ever added
SET_LISTPACK: Final = 20
STREAM_3: Final = 21  # knows when consumers were active
HASH_2: Final = 22  # fields with ends of their own (Valkey 9)

NODE_PLAIN: Final = 1  # of a quicklist: one large element
NODE_PACKED: Final = 2
