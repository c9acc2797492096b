"""The local web app behind `visioncam app`: Gradio's widgets, our own pictures, and a guard in front.

answer.py   the form (photo, model, method, ...) to pictures, words and files; knows no Gradio
pictures.py pictures at the size of the page
page.py     the page
guard.py    in front of the page: who may ask, how much, and what the browser may load
serve.py    puts them together and serves them
"""
