"""What happens to events: rules, schedules and subscriptions choose targets, and the targets receive them."""
