"""Methods that look at the gradient in the picture itself."""
