"""The engine: the only code that reaches inside a model.

It traces a model once, records what every unit returns, and cuts functions
from that one graph.  It never changes the model.
"""
