# file: legal/service.py
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

GROUP = "reviewers"


async def review(ctx: Context, contract: str, clauses: list[str]) -> dict[str, bool]:
    return {clause: clause in contract for clause in clauses}


async def start_worker() -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group=GROUP, retry_policy=policy)
    client.register(review, name="legal.review")
    return client

# file: legal/web.py
import os
from datetime import timedelta

from quart import Quart, current_app, request
from resonate.resonate import Resonate

app = Quart(__name__)


@app.before_serving
async def connect() -> None:
    app.config["resonate"] = Resonate(url=os.environ["RESONATE_URL"], group="gateway")


@app.route("/reviews/<number>", methods=["PUT"])
async def submit(number: str) -> tuple[dict[str, str], int]:
    resonate: Resonate = current_app.config["resonate"]
    body = await request.get_json()
    reviewers = resonate.options(target="reviewer", timeout=timedelta(days=2))
    handle = reviewers.rpc(f"review/{number}", "legal.review", body["text"], clauses=body["clauses"])  # want: RS102
    return {"id": await handle.id()}, 202
