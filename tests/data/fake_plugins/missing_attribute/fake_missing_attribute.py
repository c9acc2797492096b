"""Has no attribute `plugin`."""
