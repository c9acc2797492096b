"""Where the picture is in a traced model: what each of JAX's primitives makes of positions."""
