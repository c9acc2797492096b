"""The nine built-in methods, one small file each; `plugin.py` is the table of contents."""
