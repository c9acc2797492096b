"""Whether a map depends on what the model has learned."""
