"""What is read off a traced model in the same way, whatever framework it was traced in."""
