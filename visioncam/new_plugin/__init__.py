"""Writes a new plugin: complete, tested, installable.  The templates are its files with names left open."""

from visioncam.new_plugin.names import Names
from visioncam.new_plugin.writing import KINDS, Written, write_plugin

__all__ = ["KINDS", "Names", "Written", "write_plugin"]
