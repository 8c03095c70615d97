"""Application Auto Scaling: policies and schedules that change how many tasks or nodes there are."""
