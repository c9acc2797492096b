"""Running the cut functions in batches."""
