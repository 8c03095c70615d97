"""From the graph of an app to the value that a picture shows."""
