"""Small Keras models whose maps can be worked out by hand."""
