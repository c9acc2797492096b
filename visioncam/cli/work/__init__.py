"""What the commands do, one module for each; imported when a command runs, not to show its help."""
