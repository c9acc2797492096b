"""Files that a model was exported to: what they say of themselves, and running them in their own runtime."""
