"""Values as an RDB file holds them: what DUMP gives and RESTORE takes."""
