"""Identities a map should satisfy."""
