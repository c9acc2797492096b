"""Where the picture is in a model on tape: what each torch function makes of positions."""
