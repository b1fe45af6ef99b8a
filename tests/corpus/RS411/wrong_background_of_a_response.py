from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from resonate.resonate import Resonate


class Jobs:
    def __init__(self, resonate: Resonate) -> None:
        self.resonate = resonate

    async def begin(self, job: str) -> None:
        await self.resonate.options(target="jobs").rpc(f"job/{job}", "work", job).id()


def create_app(resonate: Resonate) -> Starlette:
    jobs = Jobs(resonate)

    async def submit(request: Request) -> JSONResponse:
        job = request.path_params["job"]
        task = BackgroundTask(jobs.begin, job)  # want: RS411
        return JSONResponse({"id": job}, status_code=202, background=task)

    return Starlette(routes=[Route("/jobs/{job}", submit, methods=["POST"])])
