"""Arguments that `register` had, and options that came after the call."""

from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


def translate(ctx: Context, text: str, language: str) -> str:
    return f"{language}: {text}"


async def start(text: str) -> str:
    client = Resonate(url="http://localhost:8001", group="texts", retry_policy=Never())
    client.register(translate, name="translate", timeout=60, tags={"team": "texts"})  # want: RS502
    handle = client.run("translate/1", translate, text, "fr")
    other = client.rpc("translate/2", "translate", text, "de").options(timeout=timedelta(minutes=1))  # want: RS502
    print(other)
    await client.schedules.create(  # want: RS502
        id="nightly", cron="0 3 * * *", promise_id="nightly/{{.timestamp}}", promise_timeout=60_000, ikey="nightly"
    )
    return await handle.result()
