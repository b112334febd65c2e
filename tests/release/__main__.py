"""`python -m tests.release VERB`, behind `./run VERB`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.release.addon import assemble_addon
from tests.release.build import REPOSITORY, build, last_commit
from tests.release.checks import ask
from tests.release.deb import ARCHITECTURES, build_deb, this_architecture

DIST = REPOSITORY / "dist"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("release-check", help="may this commit be released?")
    verbs.add_parser("build", help="wheel and source archive, in dist/")
    deb = verbs.add_parser("deb", help="Debian package, in dist/; needs no compiler, so any architecture will do")
    deb.add_argument("architecture", nargs="?", choices=sorted(ARCHITECTURES), help="default: that of this machine")
    verbs.add_parser("addon", help="folder of the Home Assistant add-on, in dist/")
    arguments = parser.parse_args()
    if arguments.verb == "release-check":
        return ask()
    epoch = last_commit()
    made: list[Path] = []
    match arguments.verb:
        case "build":
            made = build(DIST, epoch)
        case "deb":
            made = [build_deb(DIST, epoch, arguments.architecture or this_architecture())]
        case "addon":
            made = [assemble_addon(DIST, epoch)]
    for file in made:
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
