"""The command line: `visioncam explain cat.jpg` and its siblings."""
