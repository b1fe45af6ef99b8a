from fastapi import APIRouter, HTTPException, Request
from resonate.error import ServerError
from resonate.resonate import Resonate

router = APIRouter(prefix="/appraisals")


@router.get("/{appraisal}")
async def appraisal_state(appraisal: str, request: Request) -> dict[str, object]:
    resonate: Resonate = request.app.state.resonate
    try:
        record = await resonate.promises.get(f"appraisal/{appraisal}")
    except ServerError as error:
        raise HTTPException(404 if error.code == 404 else 503) from error
    done = record.state != "pending"
    return {"done": done, "value": record.value.data if record.state == "resolved" else None}
