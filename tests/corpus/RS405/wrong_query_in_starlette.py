from resonate.resonate import Resonate
from resonate.types import Value
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@requires("operator")
async def stop_work(request: Request) -> Response:
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.cancel(request.query_params["id"], Value(data="stopped by an operator"))  # want: RS405
    return Response(status_code=204)


app = Starlette(routes=[Route("/stop", stop_work, methods=["POST"])])
