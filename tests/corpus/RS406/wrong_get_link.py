from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter()


@router.get("/rsvp/{guest}/{reply}", response_class=HTMLResponse)
async def rsvp(guest: int, reply: bool, request: Request) -> str:  # want: RS406
    resonate: Resonate = request.app.state.resonate
    promises = resonate.promises
    await promises.resolve(f"rsvp/{guest}", Value(data={"comes": reply}))
    return "<p>Thank you.</p>"
