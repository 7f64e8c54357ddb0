"""Which tests run which line of tinynet, and how long each takes: found once, with coverage.py."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.mutation_rules import Mutant

ROOT = Path(__file__).parents[1]
KEPT = Path(os.environ.get("TINYNET_MUTATION", ROOT / "build" / "mutation"))
COPY = KEPT / "tree"
# The ordinary tests of these parts: not those that train for minutes, or are of something else.
TESTS = [
    "callbacks", "monitors", "progress", "nan", "saving", "saved_files", "files", "keras_files",
    "weights", "custom_objects", "metrics", "optimizers", "optimizers_shared", "schedules",
    "losses", "loss_arguments", "functions", "training", "models", "passes", "layers",
    "small_layers", "layer_values", "images", "augmentation", "function_layer", "wrappings",
    "activations", "constraints", "regularizers", "bad_order", "step", "products",
    "kernel_choice", "battery", "kernels", "backup", "checkpoint", "several", "graph",
    "freezing", "bad_input", "bad_arguments", "misuse", "extremes", "callers_arrays", "gradcheck",
    "threads", "hostile", "random", "initializers", "hdf5_blocks",
]  # fmt: skip
COMPARED = ["parity_tests/test_keras_names.py"]  # defaults, which are Keras's
SECONDS = 15.0  # of tests per mutant, as measured without it


def run_pytest(plugin: object, files: list[str], temporary: str) -> int:
    """Let a plugin run the tests of some files; what fails is not made smaller, or shown."""
    given = ["-q", "-p", "no:cacheprovider", "--tb=no", f"--basetemp={KEPT / temporary}"]
    return pytest.main([*given, "--hypothesis-profile=mutation", *files], plugins=[plugin])


class Runs:
    """Runs the tests: as a pytest plugin, in place of its loop over all collected tests."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self) -> None:
        """Take the same examples each time, and make no smaller ones of one that fails."""
        from hypothesis import HealthCheck, Phase, settings

        settings.register_profile(
            "mutation", max_examples=10, derandomize=True, deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )  # fmt: skip

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do what there is to do with the tests."""
        session.config.pluginmanager.unregister(name="terminalreporter")
        self.items = {item.nodeid: item for item in session.items}
        self.failed: list[str] = []
        self.loop()
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep which tests failed."""
        if report.failed:
            self.failed.append(report.nodeid)

    def run(self, ids: list[str]) -> None:
        """Run tests, until one fails."""
        items = [self.items[each] for each in ids]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return

    def loop(self) -> None:
        """Do it, in a subclass."""
        raise NotImplementedError


class Measured(Runs):
    """Finds out which test runs which lines, and how long it takes."""

    def __init__(self, coverage: Any, path: Path, known: set[str]) -> None:
        self.coverage, self.path, self.known = coverage, path, known

    def loop(self) -> None:
        """Run all tests once, and keep what they ran."""
        with self.path.open("a") as file:
            new = [each for each in self.items if each not in self.known]
            for n, each in enumerate(new):
                self.coverage.switch_context(each)
                before, self.failed = time.perf_counter(), []
                self.run([each])
                passed = 0 if self.failed else time.perf_counter() - before
                file.write(json.dumps([each, passed]) + "\n")
                if n % 500 == 0:
                    self.coverage.save()
                    print(f"{n} of {len(new)} tests", file=sys.__stderr__, flush=True)


def find_tests() -> None:
    """Run the tests that were not run yet, to see which lines each runs, and how long it takes."""
    import coverage

    seconds = KEPT / "seconds.jsonl"
    lines = seconds.read_text().splitlines() if seconds.exists() else []
    known = {json.loads(line)[0] for line in lines}
    files = [*(f"tests/test_{name}.py" for name in TESTS), *COMPARED]
    measure = coverage.Coverage(str(KEPT / "coverage"), source=["tinynet"], config_file=False)
    measure.set_option("run:relative_files", True)
    if known:
        measure.load()
    measure.start()
    run_pytest(Measured(measure, seconds, known), files, "tmp")
    measure.stop()
    measure.save()


class Tests:
    """Which tests run which line, from what `Measured` has kept."""

    def __init__(self) -> None:
        import coverage

        self.killers: dict[str, Counter[str]] = defaultdict(Counter)
        self.data = coverage.CoverageData(str(KEPT / "coverage"))
        self.data.read()
        read = (KEPT / "seconds.jsonl").read_text().splitlines()
        self.taken = {test: taken for test, taken in map(json.loads, read) if taken}
        self.lines: dict[str, dict[int, list[str]]] = {}
        self.size: Counter[str] = Counter()  # how many lines of tinynet each runs
        for path in self.data.measured_files():
            for tests in self.by_line(path).values():
                self.size.update(tests)

    def by_line(self, path: str) -> dict[int, list[str]]:
        """Return the tests of each line of a file."""
        if path not in self.lines:
            self.lines[path] = self.data.contexts_by_lineno(path)
        return self.lines[path]

    def seconds(self, ids: list[str]) -> float:
        """Return how long tests take."""
        return sum(self.taken[each] for each in ids)

    def running(self, mutant: Mutant) -> set[str]:
        """Return the tests that run a line of a function's body."""
        by_line = self.by_line(mutant.path)
        found = {*by_line.get(mutant.line, ()), *by_line.get(mutant.statement, ())}
        if mutant.path.startswith("tinynet/kernels/"):
            # Compiled loops leave no trace: they run where their twin does in the other form.
            name = mutant.function.removesuffix("_loops")
            functions = {
                node.name: range(node.lineno, node.end_lineno + 1)
                for node in ast.parse((ROOT / mutant.path).read_bytes()).body
                if isinstance(node, ast.FunctionDef)
            }
            if f"{name}_loops" in functions:
                twins = re.compile(rf"tests/test_kernels.py::.*[-[]{name}\b")
                found |= set(filter(twins.match, self.taken))
                found |= {each for line in functions[name] for each in by_line.get(line, ())}
                found |= {each.replace("numpy", "numba") for each in found}
            elif not found and "" not in by_line.get(mutant.line, ()):
                found = {each for tests in by_line.values() for each in tests}
        return found & self.taken.keys()

    def of(self, mutant: Mutant) -> list[str]:
        """Return tests that run a mutant's line, those first that run little else.

        If there is time left, then others of its file: what runs once in a process, to compile
        something or to keep it, runs in the first test that needs it, for all.
        """
        by_line, line = self.by_line(mutant.path), mutant.line
        if line in mutant.body:
            found = self.running(mutant)
        else:  # a default of the function, or something of all the file
            found = {each for line in mutant.body or by_line for each in by_line.get(line, ())}
            found |= {each for each in self.taken if each.startswith(tuple(COMPARED))}
        if not found and "" in by_line.get(line, ()):
            found = {each for tests in by_line.values() for each in tests}
        others = {each for tests in by_line.values() for each in tests} - found
        chosen, total = [], 0.0
        for some in found, others:
            for test in self._in_order(some & self.taken.keys(), self.killers[mutant.path]):
                if total + self.taken[test] <= SECONDS or not chosen:
                    chosen.append(test)
                    total += self.taken[test]
        return chosen

    def _in_order(self, tests: set[str], killers: Counter[str]) -> list[str]:
        """Return tests, those first that have found something, or that run little else."""
        groups: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=self.size.__getitem__):
            groups[test.split("::")[0]].append(test)
        # A test that takes a tenth of a second is as late as the next one of its file.
        late = {
            test: i + 10 * self.taken[test]
            for group in groups.values()
            for i, test in enumerate(group)
        }
        return sorted(late, key=lambda test: (-killers[test], late[test]))
