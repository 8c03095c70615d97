"""AWS::Events and AWS::Scheduler types."""
