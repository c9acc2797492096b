"""Auditing a data set: does the model look at the objects, or at something correlated with them?"""
