"""Checks at synth, findings of scanners, and physical names."""
