"""From a resolved assembly to the topology that should run here. Starts nothing.

`topology` holds the values, `planner` makes them, `render` shows them.
"""
