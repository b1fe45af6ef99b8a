from datetime import timedelta

from fastapi import FastAPI, Response, status
from fastapi.responses import JSONResponse
from resonate.resonate import Resonate


def build(resonate: Resonate) -> FastAPI:
    app = FastAPI()
    mixing = resonate.options(target="mixing", timeout=timedelta(hours=1))

    @app.post("/tracks/{track}/master")
    async def master(track: str, response: Response) -> dict[str, str]:
        handle = mixing.rpc(f"master/{track}", "master_track", track)
        response.status_code = status.HTTP_202_ACCEPTED
        response.headers["Location"] = f"/tracks/{track}/master"
        return {"id": await handle.id()}

    @app.put("/tracks/{track}/stems")
    async def separate(track: str) -> JSONResponse:
        handle = mixing.rpc(f"stems/{track}", "separate_stems", track)
        return JSONResponse({"id": await handle.id()}, status.HTTP_202_ACCEPTED)

    return app
