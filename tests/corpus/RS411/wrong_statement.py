from datetime import timedelta

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter(prefix="/devices")


@router.post("/{device}/reboot", status_code=202)
async def reboot(device: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    field = resonate.options(target="field", timeout=timedelta(hours=1))
    field.rpc(f"reboot/{device}", "reboot_device", device)  # want: RS411
    return {"reboot": device}
