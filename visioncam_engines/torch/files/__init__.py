"""Model files of PyTorch, read so that a file from anybody does no harm.

A file is judged by its content before torch sees it, and what can run code is refused with its name.  Weights
are read as numbers.  The only files with a model in them are archives of `torch.export`, whose program is
checked word by word (`program.py`) and rewritten (`exported.py`), so that torch is handed nothing else.
"""
