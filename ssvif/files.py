"""Files that appear whole or not at all, and their hashes."""

import ctypes
import errno
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssvif.errors import StorageError

SCRATCH = ".part-"
_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)
_TOO_LARGE = errno.EFBIG
# Of Linux's renameat2.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def scratch_prefix(pid: int | None = None) -> str:
    """Return how names of unfinished files begin: with the process and the machine they are of.

    Args:
        pid: Number of the process; by default this one.
    """
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
    return f"{SCRATCH}{os.getpid() if pid is None else pid}-{host}-"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, moved onto it when the block ends well.

    Args:
        path: Where the file shall appear; parent folders are made.

    Yields:
        A path in the same folder and with the same suffix, to be written by the caller.

    Raises:
        StorageError: If the disk is full or the folder cannot be written; `path` is as before.
        OSError: As the block raised it, where it is about another file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=scratch_prefix(), suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
    except OSError as error:
        raise _storage_error(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; outputs follow the user's umask.
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    except OSError as error:
        if _concerns(error, temporary, path):
            raise _storage_error(path, error) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, which takes the place of `path` if the block ends well.

    On Linux the two change places in one step, so that a kill leaves one of them there; where the
    system or its file system cannot do so, there is a moment without either.

    Args:
        path: Where the folder shall appear; a folder that is there is replaced as a whole.

    Yields:
        A folder in the same parent, to be filled by the caller.

    Raises:
        StorageError: If the disk is full or the parent cannot be written; `path` is as before.
        OSError: As the block raised it, where it is about another file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=scratch_prefix(), dir=path.parent))
    except OSError as error:
        raise _storage_error(path, error) from error
    new, old = scratch / "new", scratch / "old"
    try:
        new.mkdir()
        yield new
        if not _exchange(new, path):
            if path.exists():
                path.rename(old)
            new.rename(path)
    except OSError as error:
        if _concerns(error, scratch, path):
            raise _storage_error(path, error) from error
        raise
    finally:
        # Whatever went wrong between the two renames, the old folder comes back.
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def staged_files(folder: Path) -> Iterator[Path]:
    """Yield an empty folder whose files move into `folder` together, if the block ends well.

    Args:
        folder: Where the files shall appear; what else is there stays.

    Yields:
        A folder inside it, to be filled by the caller.

    Raises:
        StorageError: If the disk is full or the folder cannot be written; if that is seen before
            the files move, `folder` is as before.
        OSError: As the block raised it, where it is about another file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=scratch_prefix(), dir=folder))
    except OSError as error:
        raise _storage_error(folder, error) from error
    try:
        yield scratch
        for path in sorted(path for path in scratch.rglob("*") if path.is_file()):
            target = folder / path.relative_to(scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    except OSError as error:
        if _concerns(error, scratch, folder):
            raise _storage_error(folder, error) from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def require_writable(folder: Path) -> None:
    """Make a folder, and refuse one that takes no files: before long work, not after it.

    Raises:
        StorageError: If it cannot be made or written to.
    """
    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder}: expected a folder, found a file; name another place")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(prefix=scratch_prefix(), dir=folder):
            pass
    except OSError as error:
        raise _storage_error(folder, error) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically.

    Raises:
        StorageError: If the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write sorted, indented JSON atomically, so that equal content gives equal bytes.

    Raises:
        StorageError: If the file cannot be written.
        ValueError: If a number is NaN or infinite, which JSON cannot hold.
    """
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_changed(path: Path, content: bytes) -> None:
    """Write bytes atomically, unless the file has them already.

    Raises:
        StorageError: If the file cannot be written.
    """
    if path.is_file() and path.read_bytes() == content:
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_folder(folder: Path) -> str:
    """Return the SHA-256 of a folder's file names and bytes, in hex."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return sha256_json({path.relative_to(folder).as_posix(): sha256_file(path) for path in files})


def sha256_json(content: object) -> str:
    """Return the SHA-256 of a JSON value in its canonical form, in hex."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step; return whether that could be done."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except AttributeError:
        return False
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    return bool(renameat2(*paths, _RENAME_EXCHANGE) == 0)


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _concerns(error: OSError, *places: Path) -> bool:
    """Whether an error is about a place or what is in it; a lack of room always is."""
    if error.errno in (*_FULL, _TOO_LARGE):
        return True
    named = isinstance(error.filename, str | os.PathLike)
    return named and any(Path(error.filename).is_relative_to(place) for place in places)


def _storage_error(path: Path, error: OSError) -> StorageError:
    if error.errno in _FULL:
        return StorageError(f"{path}: the disk is full; free some space and run the command again")
    if error.errno == _TOO_LARGE:
        return StorageError(
            f"{path}: larger than the file system or a limit (`ulimit -f`) allows; lift the limit "
            "or choose another disk, and run the command again"
        )
    return StorageError(f"{path}: cannot be written ({error.strerror}); check the folder's rights")


# Read once, on import: reading it means setting it, for every thread at once.
_UMASK = _read_umask()
