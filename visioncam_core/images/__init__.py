"""Any picture to an array in the model's frame, and back."""
