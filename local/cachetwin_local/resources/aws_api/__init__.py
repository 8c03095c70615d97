"""Types whose resources the local endpoint of AWS's APIs has from its start."""
