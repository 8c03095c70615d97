"""A storefront that reads its catalogue through the nodes of a Memcached cluster."""
