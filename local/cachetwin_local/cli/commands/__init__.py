"""The commands of ``cachetwin``, one module for each or for a few of a kind."""
