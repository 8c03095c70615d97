"""ReplicationGroup and the parts of it: topology, backups, encryption, maintenance, authentication."""
