from uuid import uuid4

from fastapi import FastAPI, Response
from resonate.resonate import Resonate


def build(resonate: Resonate) -> FastAPI:
    app = FastAPI()

    @app.post("/prints", status_code=202)
    async def start_print(pages: int, response: Response) -> None:
        response.headers["Location"] = place = f"/prints/{uuid4()}"
        await resonate.options(target="printers").rpc(place.removeprefix("/"), "print", pages).id()

    @app.post("/scans", status_code=202)
    async def start_scan(pages: int) -> dict[str, str]:
        answer: dict[str, str] = {}
        answer["id"] = scan_id = uuid4().hex
        await resonate.options(target="scanners").rpc(scan_id, "scan", pages).id()
        return answer

    @app.post("/copies", status_code=202)
    async def start_copy(pages: int) -> dict[str, str]:
        shown = copy_id = str(uuid4())
        await resonate.options(target="copiers").rpc(copy_id, "copy", pages).id()
        return {"id": shown}

    @app.post("/faxes", status_code=202)
    async def start_fax(number: str) -> dict[str, str]:
        answer = {"id": (fax_id := str(uuid4()))}
        await resonate.options(target="faxes").rpc(fax_id, "send", number).id()
        return answer

    return app
