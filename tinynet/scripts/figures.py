"""Matplotlib's backend for scripts that show figures where there is no screen.

Matplotlib finds it by its name, ``module://tinynet.scripts.figures``, in ``MPLBACKEND``; `running`
sets that, and the folder in ``TINYNET_FIGURES``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

from tinynet.files import whole_or_not

__all__ = ["FigureCanvas", "show"]

_shown = 0


def show(*args: Any, **options: Any) -> None:
    """Write all open figures into the folder and close them, as after looking at them.

    Without a folder they are closed, and the first time a line says how to keep them.
    """
    global _shown
    folder = os.environ.get("TINYNET_FIGURES")
    for number in plt.get_fignums():
        _shown += 1
        if folder:
            path = Path(folder) / f"figure_{_shown}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_or_not(path) as file:
                plt.figure(number).savefig(file, format="png", bbox_inches="tight")
            print(f"tinynet: figure written to {path}", file=sys.stderr)
        elif _shown == 1:
            print(
                "tinynet: there is no screen to show figures on; --figures FOLDER keeps them",
                file=sys.stderr,
            )
    plt.close("all")
