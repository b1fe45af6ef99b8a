# file: desk/__init__.py
# file: desk/callers.py
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute


class ForCallers(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def keyed(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given, request.app.state.key):
                raise HTTPException(401)
            return await handle(request)

        return keyed


# file: desk/engine.py
from dataclasses import dataclass
from typing import Any

from resonate.resonate import Resonate
from resonate.types import PromiseRecord, Value


@dataclass(frozen=True, slots=True)
class Engine:
    resonate: Resonate

    async def resolve(self, id: str, data: Any) -> PromiseRecord:
        return await self.resonate.promises.resolve(id, Value(data=data))


# file: desk/routes.py
from fastapi import APIRouter, Request

from .callers import ForCallers
from .engine import Engine

router = APIRouter(prefix="/cases", route_class=ForCallers)


@router.post("/{case}/close")
async def close(case: int, request: Request) -> dict[str, str]:
    engine: Engine = request.app.state.engine
    record = await engine.resolve(f"case/{case}", {"closed": True})
    return {"state": record.state}
