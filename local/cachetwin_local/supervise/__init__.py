"""Makes this machine look like a topology and keeps it so. The only part of the runner that starts anything.

`supervisor` orders the actors (`cache_node`, `postgres`, `service`, `load_balancer`); each owns its sockets and
children, and each child has a deadline to start and a deadline to stop (`process`). What happens is said as events
(`events`), which the foreground, a detached `up` and `cachetwin status` all read.
"""
