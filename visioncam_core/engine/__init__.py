"""The interface to what runs a model, and the records that cross it. Knows no framework."""
