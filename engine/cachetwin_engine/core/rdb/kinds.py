"""The bytes that name the kind of a value (rdb.h, RDB_TYPE_*)."""

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
HASH_2: Final = 22  # fields with times to live (Valkey 9)

NODE_PLAIN: Final = 1  # of a quicklist: one large element
NODE_PACKED: Final = 2

# Bytes that a file may have in place of a kind (rdb.h, RDB_OPCODE_*).
SLOT_INFO: Final = 0xF4
FUNCTION: Final = 0xF5
FUNCTION_BEFORE_RELEASE: Final = 0xF6  # of a release candidate of 7.0
MODULE_DATA: Final = 0xF7
IDLE_SECONDS: Final = 0xF8
FREQUENCY: Final = 0xF9
NOTE: Final = 0xFA  # a name and a value about the file
SIZES: Final = 0xFB  # the counts of keys and of expiring keys in the database that follows
ENDS_AT_MS: Final = 0xFC
ENDS_AT_SECONDS: Final = 0xFD
DATABASE: Final = 0xFE
END: Final = 0xFF
