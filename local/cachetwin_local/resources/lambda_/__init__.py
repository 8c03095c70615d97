"""AWS::Lambda types."""
