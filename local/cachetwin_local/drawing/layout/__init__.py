"""From the value that a picture shows to the places of its parts."""
