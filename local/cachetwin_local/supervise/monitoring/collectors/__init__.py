"""What measures: one module for each service's metrics."""
