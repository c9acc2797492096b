"""Files that hold more than 8-bit pictures, each read to `values.Raw`."""
