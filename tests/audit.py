"""Ask whether a pinned package has a known vulnerability.

    make audit

pip-audit asks the index of Python packages about all that requirements.txt and constraints.txt pin.
An index that does not have these answers, such as a copy on a local network, is reported as such: a
package of which nothing is known does not count as one without vulnerabilities. So the first
question is one whose answer is known.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILES = ("requirements.txt", "constraints.txt")
KNOWN = "numpy==1.16.0"  # CVE-2019-6446: numpy.load unpickles


def ask(*files: Path) -> list[dict[str, Any]] | None:
    """Return what pip-audit says about each package in some files; None if it says nothing."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--disable-pip", "--no-deps"]
    for file in files:
        command += ["--requirement", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (KeyError, ValueError):
        print(done.stderr.strip().rpartition("\n")[2], file=sys.stderr)
        return None
    return found


def pinned() -> str:
    """Return the lines of both files, each package once, without hashes and conditions."""
    lines = set()
    for name in FILES:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if "==" in line and not line.lstrip().startswith("#"):
                lines.add(line.split()[0])
    return "\n".join(sorted(lines)) + "\n"


def main() -> int:
    """Print what is known; return 0 only if every package has been asked about and none is bad."""
    with tempfile.TemporaryDirectory() as folder:
        known, all_of_ours = Path(folder, "known.txt"), Path(folder, "ours.txt")
        known.write_text(KNOWN + "\n")
        all_of_ours.write_text(pinned())
        answer = ask(known)
        if not answer or not answer[0].get("vulns"):
            print(
                f"make audit: nothing has been checked. The vulnerability service cannot be asked "
                f"from here: it does not know that {KNOWN} has a vulnerability (CVE-2019-6446)",
                file=sys.stderr,
            )
            return 2
        found = ask(all_of_ours)
    if found is None:
        return 2
    skipped = [each for each in found if "skip_reason" in each]
    bad = [each for each in found if each.get("vulns")]
    for each in skipped:
        print(f"not checked: {each['name']}: {each['skip_reason']}")
    for each in bad:
        for one in each["vulns"]:
            fixed = ", ".join(one["fix_versions"]) or "no version"
            print(f"{each['name']} {each['version']}: {one['id']}, mended in {fixed}")
    print(
        f"{len(found) - len(skipped)} packages checked, {len(skipped)} not, {len(bad)} vulnerable"
    )
    return int(bool(skipped or bad))


if __name__ == "__main__":
    sys.exit(main())
