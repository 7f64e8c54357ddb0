"""Where data files come from: places in order, checksums, a local server's faults, errors."""

import hashlib
import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from tinynet.datasets import DatasetError, sources
from tinynet.datasets.sources import DataFile, Source

NAMES = ["train-images.gz", "train-labels.gz", "test-images.gz", "test-labels.gz"]
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES
CONTENTS = {name: random.Random(name).randbytes(2000 + len(name)) for name in NAMES}
GOOD = list(CONTENTS.values())


class Server:
    """Serves the four files under every folder but those with a fault.

    ``faults`` maps a folder, or a folder and a file, to what goes wrong there.
    """

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self.asked: list[str] = []
        self.encodings: set[str | None] = set()
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path.removeprefix("/"))
                outer.encodings.add(self.headers["Accept-Encoding"])
                folder, name = outer.asked[-1].split("/")
                outer.answer(self, name, outer.faults.get(folder) or outer.faults.get(self.path))

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.http.server_port}/"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler, name: str, fault: str | None) -> None:
        content = CONTENTS[name]
        if fault == "404":
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if fault == "truncated":
            request.wfile.write(content[: len(content) // 2])
        elif fault == "silent":
            request.wfile.write(content[: len(content) // 2])
            request.wfile.flush()
            self.closing.wait()
        elif fault == "corrupted":
            request.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))
        else:
            request.wfile.write(content)

    def close(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with closing(Server()) as server:
        yield server


@pytest.fixture
def refusing() -> str:
    """Address of a port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}/first/"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and nothing of the user's environment."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(home / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(home / "keras"))
    monkeypatch.delenv("TINYNET_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return home


@pytest.fixture
def cache(home: Path) -> Path:
    folder = Path(pooch.os_cache("tinynet")) / "fashion-mnist"
    assert folder.is_relative_to(home)
    return folder


@pytest.fixture
def keras_cache(home: Path) -> Path:
    return home / "keras" / "datasets" / "fashion-mnist"


def make_source(*addresses: str) -> Source:
    files = tuple(
        DataFile(name, checksum, len(content), checksum)
        for name, content in CONTENTS.items()
        for checksum in [hashlib.sha256(content).hexdigest()]
    )
    return Source("Tiny", "fashion-mnist", files, addresses)


@pytest.fixture
def source(server: Server, home: Path) -> Source:
    return make_source(server.root + "first/", server.root + "mirror/")


def fill(folder: Path, damaged: str | None = None) -> Path:
    """Write the four files, one of them with its last byte changed."""
    folder.mkdir(parents=True)
    for name, content in CONTENTS.items():
        wrong = content[:-1] + bytes([content[-1] ^ 1])
        (folder / name).write_bytes(wrong if name == damaged else content)
    return folder


def listing(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*") if file.is_file())


# A folder that the user names


@pytest.mark.parametrize("inner", ["", "fashion-mnist"])
@pytest.mark.parametrize("kind", [str, Path])
def test_path_may_be_the_folder_or_its_parent(
    source: Source, server: Server, tmp_path: Path, inner: str, kind: type
) -> None:
    fill(tmp_path / "data" / inner)
    assert source.load(kind(tmp_path / "data")) == GOOD
    assert server.asked == []


def test_path_may_begin_with_a_tilde(source: Source, home: Path) -> None:
    fill(home / "data")
    assert source.load("~/data") == GOOD


@pytest.mark.parametrize("inner", ["", "fashion-mnist"])
def test_environment_variable(
    source: Source, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    fill(tmp_path / "data" / inner)
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path / "data"))
    assert source.load() == GOOD
    assert server.asked == []


def test_path_comes_before_the_environment_variable(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path / "nowhere"))
    assert source.load(fill(tmp_path / "data")) == GOOD


@pytest.mark.parametrize("place", ["path", "TINYNET_DATA"])
@pytest.mark.parametrize("state", ["no folder", "empty", "incomplete", "damaged"])
def test_named_folder_is_never_passed_over(
    source: Source,
    server: Server,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    state: str,
) -> None:
    fill(cache)  # would do, but is not what the user named
    folder = tmp_path / "data"
    if state == "empty":
        folder.mkdir()
    elif state != "no folder":
        fill(folder, damaged=TEST_LABELS if state == "damaged" else None)
    if state == "incomplete":
        (folder / TRAIN_LABELS).unlink()
    if place == "TINYNET_DATA":
        monkeypatch.setenv(place, str(folder))

    with pytest.raises(DatasetError) as caught:
        source.load(folder if place == "path" else None)

    message = str(caught.value)
    assert "Tiny could not be loaded" in message
    assert f"1. {place}={str(folder)!r}" in message and "2." not in message
    assert server.asked == []
    reason = {
        "no folder": f"there is no folder {folder}",
        "empty": f"{folder} lacks {', '.join(NAMES)}\n",
        "incomplete": f"{folder} lacks {TRAIN_LABELS}\n",
        "damaged": f"{folder / TEST_LABELS} is damaged",
    }
    assert reason[state] in message
    if state == "damaged":
        good = hashlib.sha256(CONTENTS[TEST_LABELS]).hexdigest()
        bad = hashlib.sha256((folder / TEST_LABELS).read_bytes()).hexdigest()
        assert f"to have SHA-256 {good} and 2014 bytes, got {bad} and 2014" in message


def test_file_that_cannot_be_read(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(place: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(place))

    folder = fill(tmp_path / "data")
    monkeypatch.setattr(Path, "read_bytes", refused)
    said = f"cannot read {re.escape(str(folder / TRAIN_IMAGES))}: Permission denied"
    with pytest.raises(DatasetError, match=said):
        source.load(folder)


@pytest.mark.parametrize("path", [3, b"data", ["data"]])
def test_path_of_another_type(source: Source, path: object) -> None:
    with pytest.raises(TypeError, match=r"path must be a path, got .* of type"):
        source.load(path)


# Caches


def test_own_cache_comes_before_keras_cache(
    source: Source, server: Server, cache: Path, keras_cache: Path, recwarn: pytest.WarningsRecorder
) -> None:
    fill(cache)
    fill(keras_cache, damaged=TRAIN_IMAGES)  # would warn if it were read
    assert source.load() == GOOD
    assert server.asked == [] and not recwarn.list


def test_keras_cache_is_read_where_it_lies(
    source: Source, server: Server, cache: Path, keras_cache: Path
) -> None:
    fill(keras_cache)
    assert source.load() == GOOD
    assert server.asked == [] and not cache.exists()


def test_keras_cache_in_the_home_folder(
    source: Source, server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_HOME")
    fill(home / ".keras" / "datasets" / "fashion-mnist")
    assert source.load() == GOOD
    assert server.asked == []


def test_damaged_file_in_own_cache_is_fetched_anew(
    source: Source, server: Server, cache: Path
) -> None:
    fill(cache, damaged=TEST_IMAGES)
    with pytest.warns(UserWarning, match=f"tinynet's cache is passed over: .*{TEST_IMAGES} is dam"):
        assert source.load() == GOOD
    assert server.asked == [f"first/{TEST_IMAGES}"]
    assert (cache / TEST_IMAGES).read_bytes() == CONTENTS[TEST_IMAGES]


def test_damaged_file_in_own_cache_while_keras_cache_is_good(
    source: Source, server: Server, cache: Path, keras_cache: Path
) -> None:
    fill(cache, damaged=TEST_IMAGES)
    fill(keras_cache)
    with pytest.warns(UserWarning, match="tinynet's cache is passed over"):
        assert source.load() == GOOD
    assert server.asked == []


def test_damaged_keras_cache_is_left_as_it_is(
    source: Source, server: Server, cache: Path, keras_cache: Path
) -> None:
    fill(keras_cache, damaged=TRAIN_LABELS)
    damaged = (keras_cache / TRAIN_LABELS).read_bytes()
    with pytest.warns(UserWarning, match=f"Keras's cache is passed over: .*{TRAIN_LABELS} is dam"):
        assert source.load() == GOOD
    assert server.asked == [f"first/{name}" for name in NAMES]
    assert (keras_cache / TRAIN_LABELS).read_bytes() == damaged


def test_incomplete_cache_is_completed(source: Source, server: Server, cache: Path) -> None:
    fill(cache)
    (cache / TRAIN_LABELS).unlink()
    assert source.load() == GOOD
    assert server.asked == [f"first/{TRAIN_LABELS}"]


# Downloads


def test_download_once_with_progress_shown(
    source: Source, server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert source.load() == GOOD
    assert capsys.readouterr().err.count("100%") == len(NAMES)
    assert listing(cache) == sorted(NAMES)
    assert server.encodings == {"identity"}

    assert source.load() == GOOD
    assert server.asked == [f"first/{name}" for name in NAMES]  # as after the first load


FAULTS = ["404", "truncated", "corrupted", "silent", "refused"]


@pytest.fixture(params=FAULTS)
def faulty_source(
    request: pytest.FixtureRequest,
    source: Source,
    server: Server,
    refusing: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Source:
    """A source whose first address has one of the faults."""
    monkeypatch.setattr(sources, "SILENCE_SECONDS", 0.2)
    if request.param == "refused":
        return make_source(refusing, server.root + "mirror/")
    server.faults["first"] = request.param
    return source


def test_mirror_takes_over(faulty_source: Source, server: Server, cache: Path) -> None:
    assert faulty_source.load() == GOOD
    assert server.asked[-len(NAMES) :] == [f"mirror/{name}" for name in NAMES]
    assert listing(cache) == sorted(NAMES)


def test_mirror_fetches_only_what_is_left(source: Source, server: Server, cache: Path) -> None:
    server.faults[f"/first/{TEST_IMAGES}"] = "truncated"
    assert source.load() == GOOD
    assert server.asked == [
        *(f"first/{name}" for name in NAMES[:3]),
        *(f"mirror/{name}" for name in NAMES[2:]),
    ]
    assert listing(cache) == sorted(NAMES)


def test_one_error_lists_every_place(
    faulty_source: Source, server: Server, cache: Path, keras_cache: Path
) -> None:
    server.faults["mirror"] = "corrupted"
    with pytest.raises(DatasetError) as caught:
        faulty_source.load()
    lines = str(caught.value).splitlines()
    first, mirror = faulty_source.addresses
    starts = [
        "Tiny could not be loaded. Tried:",
        f"  1. tinynet's cache: there is no folder {cache}",
        f"  2. Keras's cache: there is no folder {keras_cache}",
        f"  3. download from {first}: ",
        f"  4. download from {mirror}: ",
        "What to do:",
        f"  - download {', '.join(NAMES)} by hand, from one of the addresses above, into {cache}",
        "  - or put them into any folder and name it: path= or the variable TINYNET_DATA",
        "  - or do without: tinynet.datasets.drawn_apparel(n)",
    ]
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)
    good = hashlib.sha256(CONTENTS[TRAIN_IMAGES]).hexdigest()
    assert good in lines[4]
    assert listing(cache) == []  # nothing half-written


def test_failed_download_keeps_good_files_and_no_broken_one(
    source: Source, server: Server, cache: Path
) -> None:
    for folder in ("first", "mirror"):
        server.faults[f"/{folder}/{TEST_IMAGES}"] = "truncated"
    with pytest.raises(DatasetError):
        source.load()
    assert listing(cache) == sorted(NAMES[:2])

    server.faults.clear()
    server.asked.clear()
    assert source.load() == GOOD
    assert server.asked == [f"first/{name}" for name in NAMES[2:]]


def test_cache_that_cannot_be_written(source: Source, cache: Path) -> None:
    cache.parent.parent.mkdir(parents=True, exist_ok=True)
    cache.parent.write_text("a file where a folder should be")
    with pytest.raises(DatasetError, match=re.escape(str(cache))):
        source.load()
