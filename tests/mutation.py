"""Would the tests notice? Change tinynet in one place at a time, and run the tests of that place.

    python -m tests.mutation --sample 300

The changes are made by rule (mutation_rules.py), in a copy of the repository. One process imports
everything and collects the tests; for each mutant it forks, and the child replaces the code of the
one function that has changed and runs the tests that run this line, first those that run little
else, until one fails. So a mutant costs little more than its tests. What is not in a function (a
class or a module) is tried by a process of its own, which imports the changed file.

Which tests run which line is found once, with coverage.py, and kept in build/mutation; so are the
verdicts: a second call goes on where the first one stopped. The report goes to tests/mutation.md;
why a mutant may survive stands in tests/mutation_reasons.toml, written by hand.
"""

from __future__ import annotations

import argparse
import ast
import functools
import gc
import hashlib
import inspect
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import types
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.mutation_map import COPY, KEPT, ROOT, SECONDS, Runs, Tests, find_tests, run_pytest
from tests.mutation_rules import Mutant, mutants_of

PARTS = {
    **{part: [f"{part}/*.py"] for part in ("kernels", "step", "layers", "losses", "optimizers")},
    **{part: [f"{part}/*.py"] for part in ("callbacks", "metrics")},
    "saving": ["saving.py", "files.py", "array_files.py", "interop/keras_files/*.py"],
}
KILLED = ("killed", "hung", "crashed")


def all_mutants() -> list[tuple[str, Mutant]]:
    """Return every mutant, with the part of the package in which it is."""
    return [
        (part, mutant)
        for part, patterns in PARTS.items()
        for pattern in patterns
        for path in sorted((ROOT / "tinynet").glob(pattern))
        for mutant in mutants_of(path.relative_to(ROOT).as_posix(), path.read_bytes())
    ]


def part_of(name: str) -> str:
    """Return the part in which a file is, or ""."""
    for part, patterns in PARTS.items():
        if any(Path(name).match(f"tinynet/{pattern}") for pattern in patterns):
            return part
    return ""


def drawn(mutants: list[tuple[str, Mutant]], sample: int, seed: int) -> list[tuple[str, Mutant]]:
    """Draw from each part in proportion: the same ones, for as long as they are in the source."""
    sizes = Counter(part for part, _ in mutants)
    places: Counter[str] = Counter()
    position = {}
    for part, mutant in sorted(mutants, key=lambda each: lot(each[1], seed)):
        places[part] += 1
        position[mutant] = places[part] / sizes[part]
    return sorted(mutants, key=lambda each: position[each[1]])[: sample or None]


def lot(mutant: Mutant, seed: int) -> bytes:
    """Return what decides a mutant's place, as if it were drawn."""
    return hashlib.sha256(json.dumps([seed, mutant.key]).encode()).digest()


def in_copy(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run this program in the copy, where it takes the copy's files for its own."""
    given = {"CI": "1", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    given |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(COPY)}
    given |= {"TINYNET_MUTATION": str(KEPT)}
    command = [sys.executable, "-m", "tests.mutation", *arguments]
    return subprocess.run(command, cwd=COPY, env={**os.environ, **given}, text=True, **how)


class Forked(Runs):
    """Tries one mutant after the other, each in a child process."""

    def __init__(
        self, todo: list[tuple[str, Mutant]], tests: Tests, minutes: float, control: bool
    ) -> None:
        self.todo, self.tests, self.control = todo, tests, control
        self.end = time.monotonic() + 60 * minutes

    def loop(self) -> None:
        """Try all, and write down each verdict."""
        import tinynet.kernels.compiled  # noqa: F401 (once, not in every child)

        self.live: dict[Any, list[Any]] = defaultdict(list)
        self.kept: dict[str, list[Any]] = defaultdict(list)  # functools.cache, by files
        for each in gc.get_objects():
            if isinstance(each, types.FunctionType):
                code = each.__code__
                self.live[code.co_filename, code.co_qualname, code.co_firstlineno].append(each)
            elif isinstance(each, functools._lru_cache_wrapper):
                kept = inspect.unwrap(each)
                if isinstance(kept, types.FunctionType):
                    self.kept[kept.__code__.co_filename].append(each)
        gc.freeze()
        for n, (part, mutant) in enumerate(self.todo):
            if time.monotonic() > self.end:
                return
            before = time.perf_counter()
            verdict, by = self.verdict(mutant)
            seconds = round(time.perf_counter() - before, 1)
            if not self.control:
                with (KEPT / "verdicts.jsonl").open("a") as file:
                    said = [mutant.key, part, mutant.line, verdict, by, seconds]
                    file.write(json.dumps(said) + "\n")
            text = f"{n + 1}/{len(self.todo)} {seconds:5}s {verdict:9} {mutant.path}:{mutant.line}"
            print(text, f"{mutant.new_line}   {by}", file=sys.__stderr__, flush=True)

    def verdict(self, mutant: Mutant) -> tuple[str, str]:
        """Return what became of a mutant, and the test that failed."""
        ids = [each for each in self.tests.of(mutant) if each in self.items]
        if not ids:
            return "survived", "no test runs it"
        path = ROOT / mutant.path
        right, stat = path.read_bytes(), path.stat()
        if self.control:
            mutant = mutant._replace(new=right[mutant.start : mutant.end].decode())
        changed = mutant.apply(right)
        try:
            if not mutant.path.startswith("tinynet/kernels/"):  # the cache of compiled kernels
                path.write_bytes(changed)  # for the processes that tests start
            verdict, by = self.forked(mutant, changed, ids) or fresh(mutant, changed, ids)
        finally:
            path.write_bytes(right)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        if verdict == "killed":
            self.tests.killers[mutant.path][by] += 1
        return verdict, by

    def forked(self, mutant: Mutant, changed: bytes, ids: list[str]) -> tuple[str, str] | None:
        """Run tests in a child process in which one function has other code; None: cannot."""
        path = str(ROOT / mutant.path)
        live = self.live.get((path, mutant.function, mutant.first_line))
        if not live or (mutant.line in mutant.body and not self.tests.running(mutant)):
            return None  # it is no function, or runs only while it is imported
        code = find_code(compile(changed, path, "exec"), mutant)
        if code.co_freevars != live[0].__code__.co_freevars:
            return None  # super() is gone
        defaults = defaults_of(changed, mutant, live[0].__globals__)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.setsid()
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                os.dup2(1, 2)
                for function in live:
                    function.__code__ = code
                    function.__defaults__ = defaults.__defaults__
                    function.__kwdefaults__ = defaults.__kwdefaults__
                for inner in codes_in(code):  # what it has returned before may be called, too
                    names = path, inner.co_qualname, inner.co_firstlineno
                    for function in self.live.get(names, ()):
                        if function.__code__.co_freevars == inner.co_freevars:
                            function.__code__ = inner
                for each in self.kept.get(path, ()):
                    each.cache_clear()  # what the right code has returned
                without_cache(path)
                self.run(ids)
                os.write(writing, (self.failed or [""])[0].encode()[:4000])
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        return outcome(pid, reading, 20 + 4 * self.tests.seconds(ids))


def outcome(pid: int, reading: int, limit: float) -> tuple[str, str]:
    """Wait for a child process, end it if it takes too long, and say what it found."""
    hung = not select.select([reading], [], [], limit)[0]
    by = "" if hung else os.read(reading, 4000).decode()
    os.close(reading)
    if hung:
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if hung:
        return "hung", f"longer than {limit:.0f} s"
    if status:
        return "crashed", f"status {status}"
    return ("killed", by) if by else ("survived", "")


def find_code(code: types.CodeType, mutant: Mutant) -> types.CodeType:
    """Return the code of the mutant's function in that of the module."""
    names = (mutant.function, mutant.first_line)
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            if (each.co_qualname, each.co_firstlineno) == names:
                return each
            if mutant.function.startswith(each.co_qualname + "."):
                return find_code(each, mutant)
    raise LookupError(mutant.function)


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield the code of the functions in a function."""
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield each
            yield from codes_in(each)


def defaults_of(changed: bytes, mutant: Mutant, names: dict[str, Any]) -> Any:
    """Return a function with the defaults that the mutant's function has."""
    for node in ast.walk(ast.parse(changed)):
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno == mutant.body.start:
            for each in ast.walk(node.args):
                if isinstance(each, ast.arg):
                    each.annotation = None
            alone = ast.Expression(ast.Lambda(node.args, ast.Constant(None)))
            return eval(compile(ast.fix_missing_locations(alone), "", "eval"), names)
    raise LookupError(mutant.function)


def without_cache(path: str) -> None:
    """Compile the kernels of one file anew: its stamp, which the cache looks at, is the old one."""
    from tinynet.kernels import compiled

    made = compiled.SharedCache.__init__

    def only_of_others(self: Any, function: Any) -> None:
        if function.__code__.co_filename == path:
            raise RuntimeError("not from the cache")
        made(self, function)

    compiled.SharedCache.__init__ = only_of_others  # type: ignore[method-assign]


def fresh(mutant: Mutant, changed: bytes, ids: list[str]) -> tuple[str, str]:
    """Run tests in a new process, which imports the changed file."""
    path, few = ROOT / mutant.path, list(dict.fromkeys(each.split("::")[0] for each in ids))[:12]
    kept = {each: each.read_bytes() for each in path.parent.glob(f"__pycache__/{path.stem}.*")}
    path.write_bytes(changed)
    try:
        ids = [each for each in ids if each.split("::")[0] in few]  # to collect takes longest
        done = in_copy("--child", json.dumps(ids), timeout=300, capture_output=True)
    except subprocess.TimeoutExpired:
        return "hung", "longer than 300 s"
    finally:
        for each, content in kept.items():
            each.write_bytes(content)
    found = re.search(r"^failed: (.*)$", done.stdout, re.MULTILINE)
    if found:
        return "killed", found[1]
    return ("killed", "it cannot be imported") if done.returncode else ("survived", "")


class Child(Runs):
    """Runs the tests of one mutant that had to be imported."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids

    def loop(self) -> None:
        """Run, and say what failed."""
        self.run([each for each in self.ids if each in self.items])
        if self.failed:
            print(f"\nfailed: {self.failed[0]}", file=sys.__stdout__, flush=True)


def read_verdicts() -> dict[tuple[Any, ...], list[Any]]:
    """Return the last verdict on each mutant."""
    path = KEPT / "verdicts.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return {tuple(each[0]): each for each in map(json.loads, lines)}


def reasons() -> dict[tuple[str, str, str], str]:
    """Return why mutants may survive."""
    read = tomllib.loads((ROOT / "tests" / "mutation_reasons.toml").read_text(encoding="utf-8"))
    return {(each["file"], each["old"], each["new"]): each["why"] for each in read["survivor"]}


def report(mutants: list[tuple[str, Mutant]], verdicts: list[list[Any]], said: str) -> str:
    """Return the report in Markdown."""
    why = reasons()
    lines = ["# Which changes the tests notice", "", "Written by `make mutation`; not edited.", ""]
    lines += [said, "", "| part | mutants | tried | killed | hung, crashed | survived | score |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|"]
    for part in (*PARTS, "all"):
        count = Counter(each[3] for each in verdicts if part in (each[1], "all"))
        of, tried = sum(part in (each, "all") for each, _ in mutants), count.total()
        bad = count["hung"] + count["crashed"]
        killed = count["killed"] + bad
        score = f"{killed / tried:.1%}" if tried else ""
        lines.append(f"| {part} | {of:,} | {tried} | {killed} | {bad} | "
                     f"{count['survived']} | {score} |")  # fmt: skip
    lines += ["", "## Survivors", ""]
    for (file, old, new, _), _, line, verdict, by, _ in sorted(verdicts):
        if verdict == "survived":
            said = why.get((file, old, new), f"open{': ' if by else ''}{by}")
            lines += [f"{file}:{line}: {said}", "", "```diff", f"- {old}", f"+ {new}", "```", ""]
    return "\n".join(lines[:-1]) + "\n"


def update_copy() -> None:
    """Bring the copy up to date with what is under version control, and byte-compile it."""
    listed = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, check=True, text=True)  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        source, target = ROOT / name, COPY / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != source.read_bytes():
                if target.exists() and part_of(name):
                    print(f"{name} is newer than what is known of its lines; see --map")
                shutil.copy2(source, target)
    subprocess.run([sys.executable, "-m", "compileall", "-q", COPY / "tinynet"], check=True)


def main() -> int:
    """Find mutants, try them, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=0, help="how many mutants (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which sample (default 0)")
    parser.add_argument("--only", default="", help="only mutants of paths with this in their name")
    parser.add_argument("--again", action="store_true", help="try survivors without a reason, too")
    parser.add_argument("--control", action="store_true", help="change nothing: all must survive")
    parser.add_argument("--map", action="store_true", help="find each line's tests anew")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no mutant after that")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        ids = json.loads(args.child)
        return run_pytest(Child(ids), sorted({each.split("::")[0] for each in ids}), "tmp fresh")
    if COPY != ROOT:
        update_copy()
        if args.map:
            (KEPT / "coverage").unlink(missing_ok=True)
            (KEPT / "seconds.jsonl").unlink(missing_ok=True)
        in_copy("--map", check=True)
        in_copy(*(each for each in sys.argv[1:] if each != "--map"), check=True)
    elif args.map:
        find_tests()
        return 0
    mutants = all_mutants()
    chosen = [each for each in drawn(mutants, args.sample, args.seed) if args.only in each[1].path]
    known = read_verdicts()
    if COPY == ROOT:
        why, todo = reasons(), [each for each in chosen if each[1].key not in known]
        if args.again:
            survived = {key for key, said in known.items() if said[3] == "survived"}
            todo = [each for each in mutants if each[1].key in survived] + todo
            todo = [each for each in todo if each[1].key[:3] not in why]
        tests = Tests()
        plugin = Forked(chosen if args.control else todo, tests, args.minutes, args.control)
        return run_pytest(plugin, sorted({each.split("::")[0] for each in tests.taken}), "tmp")
    verdicts = [
        [*known[mutant.key][:2], mutant.line, *known[mutant.key][3:]]
        for _, mutant in mutants
        if mutant.key in known
    ]
    said = (
        f"{len(verdicts):,} of {len(mutants):,} mutants were tried, drawn from each part in\n"
        "proportion to its size. A mutant survives if none of the tests that run its line fails,\n"
        f"and none of those of its file, {SECONDS:.0f} seconds of tests at most; the tests are\n"
        "those of mutation_map.py."
    )
    text = report(mutants, verdicts, said)
    if not args.only and not args.control:
        (ROOT / "tests" / "mutation.md").write_text(text, encoding="utf-8")
    print(text.partition("## Survivors")[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
