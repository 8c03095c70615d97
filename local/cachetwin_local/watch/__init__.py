"""``cachetwin up --watch``: what is saved runs."""

from cachetwin_local.watch.app_watch import AppWatch

__all__ = ["AppWatch"]
