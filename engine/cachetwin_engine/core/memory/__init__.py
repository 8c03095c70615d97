"""Memory accounting, eviction and the freeing of large values."""
