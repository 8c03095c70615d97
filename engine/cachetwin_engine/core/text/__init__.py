"""Values as text and bytes: numbers, glob patterns, quoting, checksums, random numbers. Independent of the engine."""
