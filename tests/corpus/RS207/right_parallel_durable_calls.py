"""Work in parallel the durable way; and some names that only sound like threads."""

from concurrent.futures import Future
from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate


@dataclass
class Thread:
    """A thread of messages in a forum."""

    subject: str
    messages: list[str]

    def start(self) -> str:
        return self.messages[0]


def settled(value: object) -> bool:
    return not isinstance(value, Future)


async def moderate(ctx: Context, message: str) -> bool:
    return "spam" not in message


async def moderate_thread(ctx: Context, subject: str, messages: list[str]) -> list[str]:
    thread = Thread(subject, messages)
    verdicts = [ctx.run(moderate, message) for message in thread.messages]
    kept = [message for message, verdict in zip(messages, verdicts, strict=True) if await verdict]
    return kept if settled(kept) else [thread.start()]


def install(client: Resonate) -> None:
    client.register(moderate_thread, name="forum.moderate")
