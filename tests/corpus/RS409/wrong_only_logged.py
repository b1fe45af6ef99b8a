import logging
import random
import string
from datetime import timedelta

from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

logger = logging.getLogger(__name__)


async def restart(request: Request) -> Response:
    resonate: Resonate = request.app.state.resonate
    cluster = request.path_params["cluster"]
    suffix = "".join(random.choices(string.ascii_lowercase, k=10))
    job = f"restart/{cluster}/{suffix}"
    ops = resonate.options(target="ops", timeout=timedelta(hours=1))
    handle = ops.rpc(job, "rolling_restart", cluster)  # want: RS409
    logger.info("restart of %s runs as %s", cluster, await handle.id())
    return Response(status_code=202)


app = Starlette(routes=[Route("/clusters/{cluster}/restart", restart, methods=["POST"])])
