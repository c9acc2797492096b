"""Hooks, records and the registry of plugins."""
