"""One graph of a model on tape, its gradient and the map, written as a file."""
