"""Whether a map shows what the model uses."""
