"""Many pictures in one run: interrupted, out of memory, disk full or with broken files among them.

    visioncam batch photos/ -o maps/                   # continue with the same command
    visioncam.explain_dataset(model, "photos/", "maps")

`sources` lists pictures, `names` names their files, `manifest` remembers what is finished, `fingerprint`
what was asked, `computing` asks the model, `writing` writes, `pipeline` lets these overlap, `run` ties
them together.
"""
