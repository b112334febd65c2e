"""Keeps the files that make up a running agent, so that a version or settings that do no good can be taken back.

Usage: snapshot.py save|restore|drop PATH...  A path may be a file, a folder, a link, a pattern of them, or not there: then it is
not there again after `restore`. `save` says "kept" when an earlier run was broken off: what it kept then is what ran, so it stays.
The files, secrets among them, are kept in memory, for root only.
"""

import glob
import os
import shutil
import sys
import tarfile

KEPT = "/run/lucid2mqtt-before.tar"


def present(patterns: list[str]) -> list[str]:
    return [path for pattern in patterns for path in glob.glob(pattern)]


def save(patterns: list[str]) -> None:
    if os.path.exists(KEPT):
        print("kept")
        return
    with (
        open(os.open(f"{KEPT}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w") as tar,
    ):
        for path in present(patterns):
            tar.add(path)
    os.rename(f"{KEPT}.new", KEPT)


def restore(patterns: list[str]) -> None:
    with tarfile.open(KEPT) as tar:
        for path in present(patterns):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.remove(path)
        tar.extraction_filter = lambda member, _: member  # our own file: owners and absolute links are meant
        tar.extractall("/", numeric_owner=True)


def drop(_: list[str]) -> None:
    if os.path.exists(KEPT):
        os.remove(KEPT)


{"save": save, "restore": restore, "drop": drop}[sys.argv[1]](sys.argv[2:])
