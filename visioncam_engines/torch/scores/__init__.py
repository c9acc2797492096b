"""What the explained output of a model on tape says: its logits, and its probabilities."""
