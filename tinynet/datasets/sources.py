"""Where the files of a data set come from: folders and caches first, then the network.

What counts is the content: a file may be packed, unpacked, or packed anew. The checksum of the
unpacked content is verified each time it is read, wherever it was found, so that a damaged or
foreign file never reaches a training run.
"""

import hashlib
import os
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tinynet.datasets import hugging_face

# an address is given up after this many seconds without a connection, or without any data
CONNECT_SECONDS, SILENCE_SECONDS = 10, 30
# where torchvision's tutorials, and a widely read course on it, let it put its data
TORCHVISION_FOLDERS = ("data", ".", "~/data", "~/.pytorch/F_MNIST_data")
PACKED = b"\x1f\x8b"  # how a gzip file begins


Place = tuple[str, str, Callable[[], list[bytes]]]


class DatasetError(OSError):
    """No usable copy of a data set was found; the message says where, why, and what to do."""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes
    ----------
    name : str
        Name of the published file, which is packed: ``"train-images-idx3-ubyte.gz"``.
    packed_sha256 : str
        Checksum of the published file, in hexadecimal; a download has to have it.
    size : int
        Bytes of the content, unpacked.
    sha256 : str
        Checksum of the content.
    """

    name: str
    packed_sha256: str
    size: int
    sha256: str

    def places(self, folder: Path) -> list[Path]:
        """Return where a folder has this file, under the names that are in use for it.

        Some sites and programs unpack it, write a point before "idx", or put it into a folder of
        its own name.
        """
        plain = self.name.removesuffix(".gz")
        names = (self.name, plain, plain.replace("-idx", ".idx"), f"{plain}/{plain}")
        return [folder / name for name in names if (folder / name).is_file()]

    def read(self, folder: Path) -> bytes:
        """Return the content, unpacked, once its checksum has been verified.

        Raises
        ------
        DatasetError
            If the file is not there, cannot be read, or has another content than the published one.
        """
        failures = []
        for place in self.places(folder):
            try:
                return self.verified(place, self._unpacked(place))
            except DatasetError as error:
                failures.append(str(error))
            except OSError as error:
                failures.append(f"cannot read {place}: {error.strerror}")
        raise DatasetError("; ".join(failures) or f"{folder} lacks {self.name}")

    def _unpacked(self, place: Path) -> bytes:
        # Nothing larger than the content is ever taken into memory, whatever the file claims.
        if place.stat().st_size > self.size + 1024:
            raise DatasetError(
                f"{place} is not the published file: expected at most {self.size} bytes, got "
                f"{place.stat().st_size}"
            )
        content = place.read_bytes()
        if not content.startswith(PACKED):
            return content
        try:
            return zlib.decompressobj(wbits=31).decompress(content, self.size + 1)
        except zlib.error as error:
            raise DatasetError(f"{place} is damaged: {error}") from None

    def verified(self, place: object, content: bytes) -> bytes:
        """Return the content if it is the published one, and say what is wrong otherwise."""
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            size = len(content) if len(content) <= self.size else f"more than {self.size}"
            raise DatasetError(
                f"{place} is damaged or is not the published file: expected the content, unpacked, "
                f"to have SHA-256 {self.sha256} and {self.size} bytes, got {found} and {size}"
            )
        return content


@dataclass(frozen=True)
class Source:
    """A data set made of a few files, and where to find them.

    Attributes
    ----------
    title : str
        The data set's name in messages.
    folder : str
        Name of the folder that holds the files.
    files : tuple of DataFile
        The files, in the order in which `load` returns their contents.
    addresses : tuple of str
        Web addresses that end in "/" and hold all the files, tried in this order.
    torchvision : str
        Name of torchvision's class for it, which names its folder.
    hugging_face : tuple of str
        Names of its repositories at Hugging Face.
    """

    title: str
    folder: str
    files: tuple[DataFile, ...]
    addresses: tuple[str, ...]
    torchvision: str = ""
    hugging_face: tuple[str, ...] = ()

    def load(self, path: str | os.PathLike[str] | None = None) -> list[bytes]:
        """Find the files, or download them, and return their verified contents.

        A folder that the user names, by ``path`` or else by the environment variable
        ``TINYNET_DATA``, is the only place looked in: whoever names a folder means that copy,
        not whichever is found next. Without one, tinynet's cache and Keras's are looked in, then
        the usual places of torchvision and Hugging Face, and then the files are downloaded into
        tinynet's cache.

        Parameters
        ----------
        path : path-like, optional
            A folder that holds the files, or that holds them in a folder ``self.folder`` or in
            torchvision's ``raw``.

        Returns
        -------
        list of bytes
            One content for each of ``self.files``, unpacked.

        Raises
        ------
        DatasetError
            If no place has all the files undamaged.
        TypeError
            If ``path`` is not a path.

        Warns
        -----
        UserWarning
            If a place is passed over because a file in it is damaged.
        """
        if path is not None:
            return self._load_named("path", path)
        if data_folder := os.environ.get("TINYNET_DATA"):
            return self._load_named("TINYNET_DATA", data_folder)

        import pooch  # not needed where the user has named a folder

        cache = pooch.os_cache("tinynet") / self.folder
        failures = []
        for owner, missing, read in self._places(cache):
            if missing:
                failures.append(f"{owner}: {missing}")
                continue
            try:
                return read()
            except DatasetError as error:
                warnings.warn(f"{self.title}: {owner} is passed over: {error}", stacklevel=3)
                failures.append(f"{owner}: {error}")
        for address in self.addresses:
            try:
                self._download(address, cache)
                return self._read(cache)
            except (OSError, ValueError) as error:  # of requests and the disk; of pooch
                failures.append(f"download from {address}: {error}")
        raise self._error(
            failures,
            f"download {self._names()} by hand, from one of the addresses above, into {cache}",
            "or put them into any folder and name it: path= or the variable TINYNET_DATA",
        )

    def _places(self, cache: Path) -> Iterator[Place]:
        """Give the owner of each place, what is missing there, and how it is read."""
        keras_home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))
        keras_cache = keras_home / "datasets" / self.folder
        for owner, folder in (("tinynet's cache", cache), ("Keras's cache", keras_cache)):
            yield owner, self._missing(folder), partial(self._read, folder)
        # The rest is looked in only where it is there: most people have none of it.
        for outer in TORCHVISION_FOLDERS if self.torchvision else ():
            raw = Path(os.path.expanduser(outer)) / self.torchvision / "raw"
            if not self._missing(raw):
                yield "torchvision's folder", "", partial(self._read, raw)
        for snapshot in hugging_face.snapshots(self.hugging_face):
            missing = hugging_face.missing(snapshot)
            yield "Hugging Face's cache", missing, partial(self._read_parquet, snapshot)

    def _load_named(self, name: str, value: str | os.PathLike[str]) -> list[bytes]:
        if not isinstance(value, str | os.PathLike):
            raise TypeError(f"{name} must be a path, got {value!r} of type {type(value).__name__}")
        outer = Path(os.path.expanduser(value)).absolute()
        inner = outer / self.folder
        raw = [outer / self.torchvision / "raw", outer / "raw"] if self.torchvision else []
        folder = next((each for each in (inner, *raw) if each.is_dir()), outer)
        try:
            if missing := self._missing(folder):
                raise DatasetError(missing)
            return self._read(folder)
        except DatasetError as error:
            without = "leave path out" if name == "path" else "unset TINYNET_DATA"
            raise self._error(
                [f"{name}={os.fspath(value)!r}: {error}"],
                f"put {self._names()} into {inner}, packed or unpacked",
                f"or {without}: the caches are looked in and the files downloaded",
            ) from error

    def _missing(self, folder: Path) -> str:
        """Say what is missing in ``folder``; empty if nothing is."""
        if not folder.is_dir():
            return f"there is no folder {folder}"
        absent = [file.name for file in self.files if not file.places(folder)]
        return f"{folder} lacks {', '.join(absent)}" if absent else ""

    def _read(self, folder: Path) -> list[bytes]:
        return [file.read(folder) for file in self.files]

    def _read_parquet(self, snapshot: Path) -> list[bytes]:
        try:
            contents = hugging_face.read(snapshot)
        except (OSError, ValueError, KeyError) as error:
            raise DatasetError(f"{snapshot} cannot be read: {error}") from None
        return [file.verified(snapshot, c) for file, c in zip(self.files, contents, strict=True)]

    def _download(self, address: str, cache: Path) -> None:
        """Fetch what is missing or damaged in ``cache``.

        Pooch writes each file under another name first and renames it once its checksum is
        right, so that a broken download leaves nothing behind.
        """
        import pooch

        downloader = pooch.HTTPDownloader(
            progressbar=True,
            chunk_size=1 << 16,
            timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
            headers={"Accept-Encoding": "identity"},  # else a server may unpack the .gz on its way
        )
        for file in self.files:
            pooch.retrieve(
                address + file.name,
                known_hash=f"sha256:{file.packed_sha256}",
                fname=file.name,
                path=cache,
                downloader=downloader,
            )

    def _names(self) -> str:
        return ", ".join(file.name for file in self.files)

    def _error(self, failures: list[str], *steps: str) -> DatasetError:
        lines = [f"{self.title} could not be loaded. Tried:"]
        lines += [f"  {number}. {failure}" for number, failure in enumerate(failures, 1)]
        stand_in = "or do without: tinynet.datasets.drawn_apparel(n) draws a stand-in"
        lines += ["What to do:", *(f"  - {step}" for step in (*steps, stand_in))]
        return DatasetError("\n".join(lines))
