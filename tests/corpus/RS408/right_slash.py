from datetime import timedelta

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter()


@router.post("/courts/{court}/hours/{hour}/lights", status_code=202)
async def lights(court: int, hour: int, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    # The colons here are no part of the id: a format, an address, a value and a tag.
    courts = resonate.options(target="poll://any@courts", timeout=timedelta(hours=2))
    handle = courts.rpc(f"lights/{court:02d}/{hour:02d}", "switch_lights", court, f"{hour}:00")
    return {"id": await handle.id(), "label": f"court:{court}"}
