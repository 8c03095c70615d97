"""The append-only file: what was changed, as commands, in a base file and in incremental files that a manifest lists."""
