from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from resonate.error import ServerError
from resonate.resonate import Resonate

router = APIRouter(prefix="/renders")


def client(request: Request) -> Resonate:
    return request.app.state.resonate


@router.get("/{render}")
async def get_render(render: str, resonate: Annotated[Resonate, Depends(client)]) -> dict[str, Any]:
    try:
        handle = await resonate.get(f"render/{render}")
    except ServerError as error:
        raise HTTPException(404) from error
    frames = await handle.result()  # want: RS403
    return {"render": render, "frames": frames}
