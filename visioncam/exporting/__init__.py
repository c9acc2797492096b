"""One file that answers with the class and its map; knows no framework, the model's engine writes it."""
