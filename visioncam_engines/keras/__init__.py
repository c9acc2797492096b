"""What Keras models share on every backend: units, state, inputs, hints, files, the embedded network."""
