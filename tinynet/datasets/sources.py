"""Where the files of a data set come from: folders and caches first, then the network.

Every file is checked against its checksums each time it is read, wherever it was found, so that
a damaged or foreign file never reaches a training run.
"""

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

# an address is given up after this many seconds without a connection, or without any data
CONNECT_SECONDS, SILENCE_SECONDS = 10, 30


class DatasetError(OSError):
    """No usable copy of a data set was found; the message says where, why, and what to do."""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes
    ----------
    name : str
        File name, the same in every folder and at every address.
    md5, sha256 : str
        Checksums of the published file, in hexadecimal.
    """

    name: str
    md5: str
    sha256: str

    def read(self, folder: Path) -> bytes:
        """Return the file's content once both checksums have been verified.

        Raises
        ------
        DatasetError
            If the file cannot be read, or is not the published one.
        """
        place = folder / self.name
        try:
            content = place.read_bytes()
        except OSError as error:
            raise DatasetError(f"cannot read {place}: {error.strerror}") from error
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        sha256 = hashlib.sha256(content).hexdigest()
        for kind, actual, expected in (("SHA-256", sha256, self.sha256), ("MD5", md5, self.md5)):
            if actual != expected:
                raise DatasetError(
                    f"{place} is damaged or is not the published file: "
                    f"expected {kind} {expected}, got {actual} ({len(content)} bytes)"
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
    """

    title: str
    folder: str
    files: tuple[DataFile, ...]
    addresses: tuple[str, ...]

    def load(self, path: str | os.PathLike[str] | None = None) -> list[bytes]:
        """Find the files, or download them, and return their verified contents.

        A folder that the user names, by ``path`` or else by the environment variable
        ``TINYNET_DATA``, is the only place looked in: whoever names a folder means that copy,
        not whichever is found next. Without one, tinynet's cache and Keras's cache are looked
        in, and then the files are downloaded into tinynet's cache.

        Parameters
        ----------
        path : path-like, optional
            A folder that holds the files, or that holds them in a folder ``self.folder``.

        Returns
        -------
        list of bytes
            One content for each of ``self.files``.

        Raises
        ------
        DatasetError
            If no place has all the files undamaged.
        TypeError
            If ``path`` is not a path.

        Warns
        -----
        UserWarning
            If a cache is passed over because a file in it is damaged.
        """
        if path is not None:
            return self._load_named("path", path)
        if data_folder := os.environ.get("TINYNET_DATA"):
            return self._load_named("TINYNET_DATA", data_folder)

        import pooch  # not needed where the user has named a folder

        cache = pooch.os_cache("tinynet") / self.folder
        keras_home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))
        caches = {
            "tinynet's cache": cache,
            "Keras's cache": keras_home / "datasets" / self.folder,
        }
        failures = []
        for owner, folder in caches.items():
            if missing := self._missing(folder):
                failures.append(f"{owner}: {missing}")
                continue
            try:
                return self._read(folder)
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

    def _load_named(self, name: str, value: str | os.PathLike[str]) -> list[bytes]:
        if not isinstance(value, str | os.PathLike):
            raise TypeError(f"{name} must be a path, got {value!r} of type {type(value).__name__}")
        outer = Path(os.path.expanduser(value)).absolute()
        inner = outer / self.folder
        folder = inner if inner.is_dir() else outer
        try:
            if missing := self._missing(folder):
                raise DatasetError(missing)
            return self._read(folder)
        except DatasetError as error:
            without = "leave path out" if name == "path" else "unset TINYNET_DATA"
            raise self._error(
                [f"{name}={os.fspath(value)!r}: {error}"],
                f"put {self._names()} into {inner}",
                f"or {without}: the caches are looked in and the files downloaded",
            ) from error

    def _missing(self, folder: Path) -> str:
        """Say what is missing in ``folder``; empty if nothing is."""
        if not folder.is_dir():
            return f"there is no folder {folder}"
        absent = [file.name for file in self.files if not (folder / file.name).exists()]
        return f"{folder} lacks {', '.join(absent)}" if absent else ""

    def _read(self, folder: Path) -> list[bytes]:
        return [file.read(folder) for file in self.files]

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
                known_hash=f"sha256:{file.sha256}",
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
