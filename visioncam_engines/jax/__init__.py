"""The engine for Keras on JAX: a model as one list of primitives, from which functions are cut."""
