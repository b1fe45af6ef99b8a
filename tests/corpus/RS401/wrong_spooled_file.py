from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

SPOOL = Path("/var/spool/scans")


async def upload_scan(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    scan = await request.body()
    digest = sha256(scan).hexdigest()
    (SPOOL / digest).write_bytes(scan)  # want: RS401
    ocr = resonate.options(target="ocr", timeout=timedelta(hours=1))
    handle = ocr.rpc(f"scan/{digest}", "read_text", digest)
    return JSONResponse({"scan": await handle.id()}, status_code=202)


app = Starlette(routes=[Route("/scans", upload_scan, methods=["POST"])])
