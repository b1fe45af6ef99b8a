# file: relay/__init__.py
# file: relay/rpc.py (shared)
# file: relay/settings.py
import os

GROUP = os.environ.get("RELAY_GROUP", "relay-blue")
# file: relay/contracts.py
from pydantic import BaseModel

from .rpc import Rpc
from .settings import GROUP


class Message(BaseModel):
    text: str


class Passed(BaseModel):
    hops: int


pass_on = Rpc(name="pass-on", group=GROUP, request=Message, result=Passed)
hold = Rpc(name="hold", group="relay-blue", request=Message, result=Passed)
# file: relay/blue/__init__.py
# file: relay/blue/worker.py
import os

from resonate.context import Context

from ..contracts import Message, Passed, hold, pass_on
from ..rpc import serve

GROUP = os.environ.get("RELAY_GROUP", "relay-blue")


async def relay(ctx: Context, message: Message) -> Passed:
    return Passed(hops=len(message.text))


SERVED = [serve(pass_on, relay), serve(hold, relay)]
