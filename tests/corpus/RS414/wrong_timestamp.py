from datetime import UTC, datetime

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


def new_id() -> str:
    return f"export/{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}"


@app.post("/exports", status_code=202)
async def export(table: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    work = new_id()
    await resonate.options(target="exports").rpc(work, "export", table).id()  # want: RS414
    return {"id": work}


@app.post("/imports", status_code=202)
async def load(table: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    work = "import/{:.0f}".format(datetime.now(UTC).timestamp())
    await resonate.options(target="exports").rpc(work, "import", table).id()  # want: RS414
    return {"id": work}
