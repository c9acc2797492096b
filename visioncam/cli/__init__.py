"""The command line: `visioncam explain cat.jpg` and its siblings."""

from visioncam.cli.app import main

__all__ = ["main"]
