"""The engine for PyTorch models: shadow, tape, cut.  Importing its modules imports torch."""
