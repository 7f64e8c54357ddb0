"""In which environment the timed processes start."""

import os


def as_installed(**changes: str) -> dict[str, str]:
    """Return this process's environment, in which Python keeps bytecode, as it does by default.

    An installer compiles what it installs. Without the bytecode of tinynet, which may lie here as
    sources, every start would compile it once more.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **changes}
