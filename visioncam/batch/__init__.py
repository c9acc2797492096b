"""Many pictures in one run: interrupted, out of memory, disk full or with broken files among them.

    visioncam batch photos/ -o maps/                   # continue with the same command
    visioncam.explain_dataset(model, "photos/", "maps")

`sources` lists pictures, `file_names` names their files, `manifest` remembers what is finished and
`fingerprint` the request, `compute` runs the model, `write` writes, `pipeline` lets these overlap, `run` ties
them together.
"""
