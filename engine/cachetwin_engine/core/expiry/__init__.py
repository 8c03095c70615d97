"""Active expiry of keys and of hash fields."""
