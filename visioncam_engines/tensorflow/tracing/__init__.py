"""Calling a model once in a graph and recording the output of every unit."""
