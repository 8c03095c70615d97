"""The node of a cluster among the others: its topology, the links to them and the moves of slots."""
