"""Runs a topology. The only part of the runner that starts anything.

`supervisor` orders the actors (in `cache`, `postgres`, `service`, `load_balancer`); each owns its sockets and children,
and each child has a deadline to start and a deadline to stop (`process`). Changes are published as events (`events`),
which the foreground, a detached `up` and `cachetwin status` read.
"""
