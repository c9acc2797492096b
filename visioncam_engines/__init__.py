"""What runs the models: a folder for each framework."""
