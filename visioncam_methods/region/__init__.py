"""Methods that hide regions and read scores: one file each; they need no gradient and no layer."""
