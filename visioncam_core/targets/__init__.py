"""Which number of the model's output is explained."""
