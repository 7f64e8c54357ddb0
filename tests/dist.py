"""Build the wheel and the archive of sources, and try them where nothing else is installed.

    make dist        python -m tests.dist build
    make try-dist    python -m tests.dist try

The first builds into dist/ from this folder, and once more from a copy of what git knows,
elsewhere, with other dates and permissions. Both times the same bytes have to come out, and those
of the wheel once more from the archive of sources. The files in both are those that git knows.

The second installs what the package needs, with checksums, into a new environment; the wheel, which
must not ask for more; then the archive in its place; and runs tests/installed.py with each, outside
of this folder.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
ELSEWHERE = {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"}
NOT_IN_SOURCES = ".ci/"
EXTRAS = "images,keras-files,plots,report,sklearn"  # what requirements.txt has been made for


def build() -> None:
    """Build into dist/; end with an error if anything is not as it should be."""
    shutil.rmtree(DIST, ignore_errors=True)
    _hatchling(ROOT, DIST)
    with tempfile.TemporaryDirectory() as folder:
        copy, second = Path(folder, "copy"), Path(folder, "second")
        for name in tracked():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
            target.chmod(0o700 if os.access(ROOT / name, os.X_OK) else 0o600)
        _hatchling(copy, second, **ELSEWHERE)
        wheel, sources = files(DIST)
        for file in (wheel, sources):
            expect_same(file, second / file.name)
        with tarfile.open(sources) as opened:
            opened.extractall(folder, filter="data")
        _hatchling(Path(folder, sources.name.removesuffix(".tar.gz")), Path(folder, "third"))
        expect_same(wheel, Path(folder, "third", wheel.name))
    expect_content(wheel, sources)
    for file in (wheel, sources):
        print(f"{sha256(file.read_bytes()).hexdigest()}  dist/{file.name}")


def _hatchling(source: Path, target: Path, **variables: str) -> None:
    """Build both from a folder; what comes out depends on it and on the last commit's time."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _git("log", "-1", "--format=%ct").strip()}
    environment |= variables
    subprocess.run(command, cwd=source, env=environment, check=True, stderr=subprocess.DEVNULL)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def tracked() -> list[str]:
    """Return the names of the files that git knows, and that have not been deleted since."""
    return [name for name in _git("ls-files", "-z").split("\0") if name and (ROOT / name).is_file()]


def files(folder: Path) -> tuple[Path, Path]:
    """Return the wheel and the archive of sources in a folder."""
    (wheel,), (sources,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sources


def expect_same(file: Path, other: Path) -> None:
    """End with an error if two files that were built do not have the same bytes."""
    if file.read_bytes() != other.read_bytes():
        raise SystemExit(
            f"{file.name} was built twice and is not the same. If git does not know a file that is "
            f"here (see git status), it is in one of the two only: add it, or delete it"
        )


def expect_content(wheel: Path, sources: Path) -> None:
    """End with an error if a file is missing in what was built, or should not be there."""
    name, version = wheel.name.split("-")[:2]
    about = {f"{name}-{version}.dist-info/{each}" for each in ("METADATA", "RECORD", "WHEEL")}
    about |= {f"{name}-{version}.dist-info/licenses/LICENSE"}
    package = {each for each in tracked() if each.startswith("tinynet/")}
    with zipfile.ZipFile(wheel) as opened:
        _expect_names(wheel, set(opened.namelist()), package | about)
    known = {each for each in tracked() if not each.startswith(NOT_IN_SOURCES)}
    with tarfile.open(sources) as opened:
        found = {each.name.partition("/")[2] for each in opened if each.isfile()}
    _expect_names(sources, found, known | {"PKG-INFO"})


def _expect_names(file: Path, found: set[str], expected: set[str]) -> None:
    if found != expected:
        missing, more = sorted(expected - found), sorted(found - expected)
        raise SystemExit(f"{file.name}: missing: {missing}; not expected there: {more}")


def try_both() -> None:
    """Install and run what lies in dist/, each in the same new environment."""
    wheel, sources = files(DIST)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", f"{folder}/env"], check=True)
        python = Path(folder, "env", "bin", "python")
        _install(python, "--require-hashes", "--requirement", str(ROOT / "requirements.txt"))
        _install(python, "--no-index", f"{wheel}[{EXTRAS}]")
        _try(wheel, python, Path(folder), "numba")
        _install(python, "--no-deps", "--force-reinstall", str(sources))
        _try(sources, python, Path(folder), "numpy")  # compiling once more would take seconds


def _try(file: Path, python: Path, folder: Path, kernels: str) -> None:
    print(f"{file.name}, with the kernels in {kernels}:", flush=True)
    there = folder / kernels
    there.mkdir()
    environment = {**os.environ, "TINYNET_KERNELS": kernels, "HOME": str(folder)}
    environment.pop("PYTHONPATH", None)
    command = [str(python), "-P", "-W", "error", str(ROOT / "tests" / "installed.py")]
    subprocess.run(command, cwd=there, env=environment, check=True)


def _install(python: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    command += ["install", "--quiet", "--progress-bar", "off", "--no-compile"]
    subprocess.run([*command, *arguments], check=True)


if __name__ == "__main__":
    {"build": build, "try": try_both}[sys.argv[1]]()
