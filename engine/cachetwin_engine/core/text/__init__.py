"""Values as text and bytes: numbers, glob patterns, quoting, checksums, random numbers. Knows nothing of an engine."""
