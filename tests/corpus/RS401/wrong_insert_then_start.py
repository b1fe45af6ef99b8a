import os
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from fastapi import FastAPI, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from sqlalchemy import Column, MetaData, String, Table, insert
from sqlalchemy.ext.asyncio import create_async_engine

metadata = MetaData()
orders = Table("orders", metadata, Column("id", String, primary_key=True), Column("sku", String))


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.db = create_async_engine(os.environ["DATABASE_URL"])
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="shop-api")
    yield
    await app.state.resonate.stop()
    await app.state.db.dispose()


app = FastAPI(lifespan=lifespan)


class Order(BaseModel):
    id: UUID
    sku: str


@app.post("/orders", status_code=202)
async def place(order: Order, request: Request) -> dict[str, str]:
    state = request.app.state
    async with state.db.begin() as connection:
        await connection.execute(insert(orders).values(id=str(order.id), sku=order.sku))  # want: RS401
    fulfilment = state.resonate.options(target="fulfilment", timeout=timedelta(days=3))
    handle = fulfilment.rpc(f"order/{order.id}", "fulfil_order", str(order.id))
    return {"id": await handle.id()}
