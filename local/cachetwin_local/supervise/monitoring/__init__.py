"""Metrics of what runs, the alarms over them, and what alarms do."""
