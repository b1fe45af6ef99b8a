# file: crm/__init__.py
# file: crm/store.py
from dataclasses import dataclass

from fastapi import HTTPException, Request


@dataclass
class Deal:
    id: int
    owner_id: int


@dataclass
class Person:
    id: int


async def deal_of(number: int, person: Person) -> Deal:
    deal = await find(number)
    if deal is None or deal.owner_id != person.id:
        raise HTTPException(404)
    return deal


async def find(number: int) -> Deal | None: ...


async def own_deal(number: int, request: Request) -> Deal:
    """As a dependency: whose session it is stands in the scope."""
    deal = await find(number)
    if deal is None or request.session.get("person") != deal.owner_id:
        raise HTTPException(404)
    return deal


# file: crm/routes.py
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from resonate.resonate import Resonate
from resonate.types import Value

from crm.models import Note
from crm.store import Deal, Person, deal_of, own_deal

router = APIRouter()


@router.post("/deals/{number}/won")
async def won(number: int, request: Request) -> None:
    deal = await deal_of(number, Person(request.session["person"]))
    await request.app.state.resonate.promises.resolve(f"deal/{deal.id}", Value(data="won"))


@router.post("/deals/{number}/lost")
async def lost(deal: Annotated[Deal, Depends(own_deal)], request: Request) -> None:
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.resolve(f"deal/{deal.id}", Value(data="lost"))


@router.post("/notes/{number}/read")
async def read(number: int, request: Request) -> None:
    resonate: Resonate = request.app.state.resonate
    note = await Note.get_or_none(id=number, user_id=request.session["person"])
    if note is None:
        raise HTTPException(404)
    await resonate.promises.resolve(f"note/{number}", Value(data=True))


# file: crm/views.py
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi_utils.cbv import cbv
from resonate.resonate import Resonate
from resonate.types import Value

from crm.store import Person

router = APIRouter()


def somebody(request: Request) -> Person:
    if "person" not in request.session:
        raise HTTPException(401)
    return Person(request.session["person"])


class Desk:
    person: Person = Depends(somebody)


@cbv(router)
class Calls(Desk):
    @router.post("/calls/{number}/answered")
    async def answered(self, number: int, request: Request) -> None:
        resonate: Resonate = request.app.state.resonate
        await resonate.promises.resolve(f"call/{number}", Value(data=self.person.id))


# file: crm/models.py
from tortoise import fields
from tortoise.models import Model


class Note(Model):
    id = fields.IntField(primary_key=True)
    user_id = fields.IntField()


# file: crm/main.py
from contextlib import asynccontextmanager

from fastapi import FastAPI
from resonate.resonate import Resonate

from crm.routes import router


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(group="crm")
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(router)
