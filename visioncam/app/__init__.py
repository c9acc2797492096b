"""The local web app behind `visioncam app`: Gradio's widgets, our own pictures, and a guard in front.

answering.py   a question (photo, model, method, ...) to pictures, words and files; knows no Gradio
layout.py      the page
guard.py       what stands before the page: who may ask, how much, and what the browser may load
serving.py     puts them together and serves them
"""
