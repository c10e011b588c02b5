"""What the tests of storefronts share: a shopper before a scripted shop, and what is left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadtests.client.interface import Reply, Request
from loadtests.client.origin import Origin
from loadtests.shopper.session import Session
from loadtests.storefronts import Given, Shop, Storefront
from loadtests.storefronts.journey import journey
from tests.loadtests.fakes import FakeClient, Memory, arrival, ledger_rows, ok, worker

Answer = Callable[[Request], Reply]


class Plain(Shop):
    """A shop whose one journey is given from outside."""

    visit: Callable[["Plain"], object] = staticmethod(lambda _: None)

    @journey
    def look(self) -> None:
        type(self).visit(self)


class Shopper:
    """One visit: its `shop`, and what it sent, recorded and wrote."""

    def __init__(self, folder: Path, answer: Answer | None = None, shop: type[Shop] = Plain, **given: Any) -> None:
        self.memory, self.client, self.folder = Memory(), FakeClient(answer or (lambda _: ok())), folder
        self.context = worker(folder, self.client, memory=self.memory)
        object.__setattr__(self.context, "origin", Origin.of("http://127.0.0.1:8080"))
        self.unexpected: list[tuple[str, int, str]] = []
        object.__setattr__(self.context, "unexpected", self._keep)
        self.session = Session(self.context, arrival(journey=given.pop("journey", "look")), self.context.clock.now())
        self.given = Given(run="r1", **given)
        self.shop = shop(self.session, self.given)
        self._kind = shop

    def play(self, visit: Callable[[Any], object] | None = None) -> None:
        """Play the session's journey; `visit` is what `Plain` does in it."""
        kind = type("Visiting", (self._kind,), {"visit": staticmethod(visit)}) if visit else self._kind
        Storefront.of("mine", kind).play(self.session, self.given)

    @property
    def sent(self) -> list[Request]:
        return self.client.sent

    @property
    def errors(self) -> list[tuple[str, str | None]]:
        return [(record.step, record.error) for record in self.memory.steps]

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return ledger_rows(self.folder)

    def _keep(self, _session: object, request: Request, reply: Reply, why: str) -> None:
        self.unexpected.append((request.step, reply.status, why))


def html(text: str, status: int = 200) -> Reply:
    """Return a page of HTML."""
    return Reply(status=status, body=text.encode(), html=True)
