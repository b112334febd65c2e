"""Names of files in the settings: relative ones are meant beside the settings file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

from pydantic.functional_validators import AfterValidator

_FOLDER: ContextVar[Path] = ContextVar("folder of the settings file", default=Path())


@contextmanager
def relative_to(folder: Path) -> Iterator[None]:
    """Within it, relative file names in settings are taken from `folder`."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def _beside_the_file(path: Path) -> Path:
    return _FOLDER.get() / path.expanduser()


FilePath = Annotated[Path, AfterValidator(_beside_the_file)]
