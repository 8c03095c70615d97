"""The items of Memcached: storing, memory, eviction and what is logged of them."""
