"""Two models, asked about the same pictures: where answers or evidence changed."""
