"""The built-in measures of explanations, one small file each; `plugin.py` is the table of contents."""
