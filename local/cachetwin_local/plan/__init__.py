"""Plans: `planner` makes a topology from a resolved assembly, `render` prints it. Starts nothing."""
