"""Running what was cut, in batches, or the model as it is."""
