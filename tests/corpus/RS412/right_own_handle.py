from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import FastAPI
from resonate.resonate import Resonate


@dataclass
class Upload:
    """A file that comes in parts, counted here."""

    parts: int
    seen: deque[int] = field(default_factory=deque)

    def done(self) -> bool:
        return len(set(self.seen)) == self.parts


def build(resonate: Resonate, uploads: dict[str, Upload]) -> FastAPI:
    app = FastAPI()

    @app.put("/uploads/{name}/{part}", status_code=202)
    async def take(name: str, part: int) -> dict[str, bool]:
        handle = uploads[name]
        handle.seen.append(part)
        if handle.done():
            joining = resonate.options(target="files", timeout=timedelta(hours=1))
            await joining.rpc(f"file/{name}", "join_parts", name, handle.parts).id()
        return {"complete": handle.done()}

    return app
