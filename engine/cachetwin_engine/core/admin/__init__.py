"""Operations on the engine as a whole: CONFIG SET, shutdown, FLUSHALL and SWAPDB, ElastiCache's restrictions."""
