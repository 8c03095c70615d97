"""Application Load Balancers: listeners, rules, targets."""
