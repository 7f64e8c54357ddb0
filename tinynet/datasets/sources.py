"""Where the files of a data set come from: folders and caches first, then the network.

What counts is the content: a file may be compressed, decompressed, or compressed again. The
checksum of the decompressed content is verified each time it is read, wherever it was found, so
that a damaged or wrong file never reaches a training run.
"""

import hashlib
import os
import tarfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tinynet.datasets import hugging_face, npz
from tinynet.datasets.errors import DatasetError
from tinynet.files import sync_folder, write_atomically

# an address is given up after this many seconds without a connection, or without any data
CONNECT_SECONDS, SILENCE_SECONDS = 10, 30
# where torchvision's tutorials, and a widely read course on it, have it put its data
TORCHVISION_FOLDERS = ("data", ".", "~/data", "~/.pytorch/F_MNIST_data")
PACKED = b"\x1f\x8b"  # how a gzip file begins


Place = tuple[str, str, Callable[[], list[bytes]]]


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes
    ----------
    name : str
        Name of the published file, which may be compressed: ``"train-images-idx3-ubyte.gz"``.
    packed_sha256 : str
        Checksum of the published file, in hexadecimal; a download has to match it.
    size : int
        Bytes of the content, decompressed.
    sha256 : str
        Checksum of the content. Where it is not known, it is empty: then only the published file
        itself is accepted, as it is.
    """

    name: str
    packed_sha256: str
    size: int
    sha256: str

    def places(self, folder: Path) -> list[Path]:
        """Return where a folder has this file, under any of the names in use for it.

        Some sites and programs decompress it, write a dot before "idx", or put it into a folder
        with the file's name.
        """
        plain = self.name.removesuffix(".gz")
        names = (self.name, plain, plain.replace("-idx", ".idx"), f"{plain}/{plain}")
        return [folder / name for name in names if (folder / name).is_file()]

    def read(self, folder: Path) -> bytes:
        """Return the content, decompressed, once its checksum has been verified.

        Raises
        ------
        DatasetError
            If the file is not there, cannot be read, or has content other than the published one's.
        """
        failures = []
        for place in self.places(folder):
            try:
                content = self._unpacked(place)
                return self.verified(place, content) if self.sha256 else content
            except DatasetError as error:
                failures.append(str(error))
            except OSError as error:
                failures.append(f"cannot read {place}: {error.strerror}")
        raise DatasetError("; ".join(failures) or f"{folder} lacks {self.name}")

    def _unpacked(self, place: Path) -> bytes:
        # Nothing larger than the content is ever read into memory, whatever the file claims.
        if place.stat().st_size > self.size + 1024:
            raise DatasetError(
                f"{place} is not the published file: expected at most {self.size} bytes, got "
                f"{place.stat().st_size}"
            )
        content = place.read_bytes()
        if not self.sha256 and hashlib.sha256(content).hexdigest() != self.packed_sha256:
            raise DatasetError(
                f"{place} is damaged or is not the published file, {self.name}, with SHA-256 "
                f"{self.packed_sha256}; of this data set no other checksum is known"
            )
        if not content.startswith(PACKED):
            return content
        try:
            return zlib.decompressobj(wbits=31).decompress(content, self.size + 1)
        except zlib.error as error:
            raise DatasetError(f"{place} is damaged: {error}") from None

    def verified(self, place: object, content: bytes) -> bytes:
        """Return the content if it is the published one; otherwise raise an error."""
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            size = len(content) if len(content) <= self.size else f"more than {self.size}"
            raise DatasetError(
                f"{place} is damaged or is not the published file: expected the decompressed "
                f"content to have SHA-256 {self.sha256} and {self.size} bytes, got {found} and "
                f"{size}"
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
        Name of the folder that torchvision reads it from: ``"MNIST/raw"``.
    keras : tuple of str
        Names that Keras's cache has for it: a folder, or a file ending in ``.npz``. By default
        ``folder``.
    archive : DataFile, optional
        The one file to download, with all files in a folder ``folder``, where they are not
        published one by one.
    hugging_face : tuple of str
        Names of its repositories on Hugging Face.
    """

    title: str
    folder: str
    files: tuple[DataFile, ...]
    addresses: tuple[str, ...]
    torchvision: str = ""
    keras: tuple[str, ...] = ()
    archive: DataFile | None = None
    hugging_face: tuple[str, ...] = ()

    def load(self, path: str | os.PathLike[str] | None = None) -> list[bytes]:
        """Find the files, or download them, and return their verified contents.

        A folder that the user names, by ``path`` or else by the environment variable
        ``TINYNET_DATA``, is the only place searched: a user who names a folder means that copy,
        not whichever is found next. Without one, tinynet's cache and Keras's are searched, then
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
            The decompressed content of each of ``self.files``.

        Raises
        ------
        DatasetError
            If no place has all the files intact.
        TypeError
            If ``path`` is not a path.

        Warns
        -----
        UserWarning
            If a place is skipped because a file in it is damaged.
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
                warnings.warn(f"{self.title}: {owner} is skipped: {error}", stacklevel=3)
                failures.append(f"{owner}: {error}")
        for address in self.addresses:
            try:
                self._download(address, cache)
                return self._read(cache)
            except (OSError, ValueError) as error:  # from requests and the disk; from pooch
                failures.append(f"download from {address}: {error}")
        raise self._error(
            failures,
            f"download {self._to_download(cache)}",
            "or put them into any folder and name it: path= or the variable TINYNET_DATA",
        )

    def _places(self, cache: Path) -> Iterator[Place]:
        """Yield the owner of each place, what is missing there, and how it is read."""
        keras_home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))
        keras_cache = [keras_home / "datasets" / name for name in self.keras or (self.folder,)]
        yield "tinynet's cache", self._missing(cache), partial(self._read, cache)
        for place in keras_cache:
            if place.suffix == ".npz":
                missing = "" if place.is_file() else f"there is no file {place}"
                yield "Keras's cache", missing, partial(self.read_npz, place)
            else:
                yield "Keras's cache", self._missing(place), partial(self._read, place)
        # The others are named only if they are there: most people have none of them.
        for outer in TORCHVISION_FOLDERS if self.torchvision else ():
            raw = Path(os.path.expanduser(outer)) / self.torchvision
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
        raw = [outer / self.torchvision, outer / "raw"] if self.torchvision else []
        folder = next((each for each in (inner, *raw) if each.is_dir()), outer)
        archives = [outer, *(outer / name for name in self.keras)]
        archive = next((e for e in archives if e.suffix == ".npz" and e.is_file()), None)
        try:
            if archive is not None:
                return self.read_npz(archive)
            if missing := self._missing(folder):
                raise DatasetError(missing)
            return self._read(folder)
        except DatasetError as error:
            without = "leave path out" if name == "path" else "unset TINYNET_DATA"
            raise self._error(
                [f"{name}={os.fspath(value)!r}: {error}"],
                f"put {self._names()} into {inner}"
                + ("" if self.archive else ", compressed or not"),
                f"or {without}: then the caches are searched and the files downloaded",
            ) from error

    def _missing(self, folder: Path) -> str:
        """Return what is missing in ``folder``; empty if nothing is."""
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
        right, so that a broken download leaves nothing behind; it is forced to disk before.
        """
        import pooch

        downloader = pooch.HTTPDownloader(
            progressbar=True,
            chunk_size=1 << 16,
            timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
            headers={"Accept-Encoding": "identity"},  # else a server may decompress the .gz
        )

        def download(url: str, part: str, _: object) -> None:
            downloader(url, part, None)
            with open(part, "rb") as written:
                os.fsync(written.fileno())

        for file in (self.archive,) if self.archive else self.files:
            pooch.retrieve(
                address + file.name,
                known_hash=f"sha256:{file.packed_sha256}",
                fname=file.name,
                path=cache,
                downloader=download,
            )
            sync_folder(cache)
        if self.archive:
            self._unpack(cache / self.archive.name, cache)

    def _unpack(self, archive: Path, cache: Path) -> None:
        """Move the files of a verified archive into ``cache``, each whole or not at all."""
        with tarfile.open(archive) as opened:
            for file in self.files:
                member = opened.extractfile(f"{self.folder}/{file.name}")
                content = b"" if member is None else member.read(file.size + 1)
                checked = file.verified(f"{file.name} in {archive}", content)
                write_atomically(cache / file.name, checked)
        archive.unlink()

    def read_npz(self, place: Path) -> list[bytes]:
        """Return the verified contents of the files, from an archive of arrays like Keras's."""
        try:
            contents = [
                npz.as_idx(place, key, file.name, file.size)
                for key, file in zip(npz.KEYS, self.files, strict=True)
            ]
        except npz.ERRORS as error:
            raise DatasetError(f"{place} cannot be read: {error or 'it ends too early'}") from None
        return [
            file.verified(f"{key} in {place}", content)
            for key, file, content in zip(npz.KEYS, self.files, contents, strict=True)
        ]

    def _to_download(self, cache: Path) -> str:
        if self.archive:
            names = f"{self.archive.name} by hand, from the address above, and unpack it in"
            return f"{names} {cache.parent}"
        return f"{self._names()} by hand, from one of the addresses above, into {cache}"

    def _names(self) -> str:
        return ", ".join(file.name for file in self.files)

    def _error(self, failures: list[str], *steps: str) -> DatasetError:
        lines = [f"{self.title} could not be loaded. Tried:"]
        lines += [f"  {number}. {failure}" for number, failure in enumerate(failures, 1)]
        stand_in = "or do without: tinynet.datasets.drawn_apparel(n) draws a stand-in"
        lines += ["What to do:", *(f"  - {step}" for step in (*steps, stand_in))]
        return DatasetError("\n".join(lines))
