"""The local endpoint of AWS's APIs: who calls, whether the caller's role may do it, and moto, which does it."""
