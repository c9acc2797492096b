"""Where the picture is in a traced graph: what each operation makes of positions."""
