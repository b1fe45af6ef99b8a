import logging
from uuid import uuid4

from fastapi import FastAPI
from resonate.resonate import Resonate

log = logging.getLogger(__name__)


def build(resonate: Resonate) -> FastAPI:
    app = FastAPI()

    @app.post("/labels", status_code=202)
    async def start_label(parcel: int) -> dict[str, int]:
        known_as = label_id = f"label/{uuid4()}"
        await resonate.options(target="printers").rpc(label_id, "label", parcel).id()  # want: RS409
        log.info("started %s", known_as)
        return {"parcel": parcel}

    return app
