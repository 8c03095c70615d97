"""ECS services: containers as processes."""
