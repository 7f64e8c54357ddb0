"""The images of the playground: scikit-learn's digits, as text that the page reads."""

import json

COUNT = 900  # 600 for training, the others for testing
ID = "playground-digits"


def frame():
    """Return a script element with the images: a letter per pixel, from a (white) to q (black)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = ("".join(chr(ord("a") + int(gray)) for gray in x) for x in found.data[:COUNT])
    told = json.dumps({"x": "".join(pixels), "y": "".join(map(str, found.target[:COUNT]))})
    return f'<script type="application/json" id="{ID}">{told}</script>'
