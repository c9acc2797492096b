"""Calls that must end in a clear error, and what they are tried on."""
