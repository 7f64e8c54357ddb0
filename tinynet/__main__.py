"""The command ``python -m tinynet``: run a script written for Keras, or say what it would miss."""

import argparse
import sys


def main() -> int:
    """Read the command line and do what it says; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tinynet", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run",
        help="run a script or a notebook that imports Keras or TensorFlow with tinynet instead",
        description="Run a script or a notebook with tinynet standing in for Keras and TensorFlow. "
        "Options for this command come before the script, the script's own after it.",
        allow_abbrev=False,
    )
    run.add_argument(
        "--check",
        action="store_true",
        help="run nothing: list the names that the script uses and that are missing",
    )
    run.add_argument("--figures", metavar="FOLDER", help="write the figures shown into a folder")
    run.add_argument("script", help="script.py or notebook.ipynb")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script gets")
    chosen = parser.parse_args()

    from tinynet.scripts import check, running

    try:
        if chosen.check:
            return check.report(chosen.script)
        return running.run(chosen.script, chosen.arguments, chosen.figures)
    except (OSError, SyntaxError, ValueError) as error:
        print(f"python -m tinynet run: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
