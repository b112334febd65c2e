"""The bare link of a module in the hands of one user."""

from __future__ import annotations

import asyncio

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.port.link import Link, LinkUser


class Loan:
    """`granted` gives the link once the line is free. `who` is what the others are told."""

    def __init__(self, who: str, user: LinkUser) -> None:
        self.who = who
        self.user = user
        self.granted: asyncio.Future[Link] = asyncio.get_running_loop().create_future()

    @property
    def is_running(self) -> bool:
        """True while the user has the link."""
        return self.granted.done() and not self.granted.cancelled() and self.granted.exception() is None

    def grant(self, link: Link) -> None:
        if not self.granted.done():
            self.granted.set_result(link)

    def lose(self, fault: LinkLost) -> None:
        """The line has ended."""
        if self.is_running:
            self.user.link_lost(str(fault))
        elif not self.granted.done():
            self.granted.set_exception(fault)
