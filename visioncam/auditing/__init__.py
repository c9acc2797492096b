"""Auditing a data set: does the model look at the objects, or at something that goes along with them?"""
