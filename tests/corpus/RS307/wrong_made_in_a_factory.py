# file: kennel/clients.py
"""Clients that are made in one place, kept in another, and registered with in a third."""

from resonate.resonate import Resonate

from kennel.functions import register_walks


def make(url: str, group: str) -> Resonate:
    return Resonate(url=url, group=group, retry_policy=None, autostart=False)  # want: RS307


def walker(url: str) -> Resonate:
    client = make(url, "walks")
    register_walks(client)
    return client


class Kennel:
    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Resonate | None = None

    @property
    def client(self) -> Resonate:
        if self._client is None:
            self._client = Resonate(url=self._url, group="kennel", autostart=False)  # want: RS307
        return self._client

    def open(self) -> None:
        register_feeding(self.client)


def register_feeding(client):
    from kennel.functions import feed

    client.register(feed)

# file: kennel/functions.py
from resonate.context import Context
from resonate.resonate import Resonate


async def walk(ctx: Context, dog: str) -> str:
    return dog


async def feed(ctx: Context, dog: str) -> str:
    return dog


def register_walks(resonate: "Resonate") -> None:
    resonate.register(walk)
