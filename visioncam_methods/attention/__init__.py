"""Attention methods, one file each."""
