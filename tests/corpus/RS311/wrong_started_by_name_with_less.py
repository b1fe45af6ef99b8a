# file: workflows.py
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

PATIENCE = timedelta(hours=12)


async def ask(ctx: Context, document: str) -> str:
    return document


async def approval(ctx: Context, document: str) -> str:
    await ctx.run(ask, document)
    answer = await ctx.promise(timeout=PATIENCE)  # want: RS311
    return f"{document}: {answer}"


def worker(url: str) -> Resonate:
    resonate = Resonate(url=url, group="documents", retry_policy=Never(), autostart=False)
    resonate.register(approval, name="approve")
    return resonate

# file: api.py
from datetime import timedelta

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/documents/{document}", status_code=202)
async def submit(document: str, request: Request) -> dict[str, str]:
    client: Resonate = request.app.state.resonate
    bounded = client.options(target="documents", timeout=timedelta(hours=1))
    return {"id": await bounded.rpc(f"document/{document}", "approve", document).id()}
