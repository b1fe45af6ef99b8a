# file: museum/web.py
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from resonate.resonate import Resonate
from resonate.types import Value


def client(request: Request) -> Resonate:
    return request.app.state.resonate


hooks = APIRouter(prefix="/hooks")


@hooks.post("/loans/{loan}")
async def lent(loan: int, resonate: Resonate = Depends(client)) -> None:  # want: RS406
    await resonate.promises.resolve(f"loan/{loan}", Value(data="lent"))


def create() -> FastAPI:
    # This tells browsers what they may read, and keeps nobody else out.
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://museum.example.com"], allow_headers=["Authorization"])
    app.include_router(hooks)
    return app
