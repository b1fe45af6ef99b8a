# file: shop/__init__.py
# file: shop/users.py
import os
import uuid

from fastapi_users import FastAPIUsers
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy

from shop.models import User, user_manager

transport = BearerTransport(tokenUrl="auth/jwt/login")
backend = AuthenticationBackend("jwt", transport, lambda: JWTStrategy(os.environ["JWT_SECRET"], 3600))
people = FastAPIUsers[User, uuid.UUID](user_manager, [backend])
active = people.current_user(active=True)


# file: shop/models.py
from dataclasses import dataclass
from uuid import UUID


@dataclass
class User:
    id: UUID


async def user_manager() -> None: ...


# file: shop/routes.py
import os
from typing import Annotated

import stripe
from fastapi import APIRouter, Depends, Header, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi_plugin.fast_api_client import Auth0FastAPI
from gidgethub import sansio
from resonate.resonate import Resonate
from resonate.types import Value
from slack_sdk.signature import SignatureVerifier
from twilio.request_validator import RequestValidator

from shop.models import User
from shop.users import active

router = APIRouter()
bearer = HTTPBearer()
by_key = APIKeyHeader(name="X-Key")
tenant = Auth0FastAPI(domain="shop.example.com", audience="shop")
slack = SignatureVerifier(os.environ["SLACK_SIGNING_SECRET"])
twilio = RequestValidator(os.environ["TWILIO_TOKEN"])


def client(request: Request) -> Resonate:
    return request.app.state.resonate


Engine = Annotated[Resonate, Depends(client)]


async def clerk(card: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    return card.credentials


async def shift(name: Annotated[str, Depends(clerk)]) -> str:
    return name.upper()


@router.post("/stripe")
async def paid(request: Request, resonate: Engine, stripe_signature: Annotated[str, Header()]) -> None:
    event = stripe.Webhook.construct_event(await request.body(), stripe_signature, os.environ["STRIPE_SECRET"])
    await resonate.promises.resolve(f"payment/{event['data']['object']['id']}", Value(data=event["type"]))


@router.post("/stripe/refunds")
async def refunded(request: Request, resonate: Engine, sent: Annotated[str, Header(alias="x-sent")]) -> None:
    event = stripe.Webhook.construct_event(await request.body(), sent, os.environ["STRIPE_REFUNDS"])
    await resonate.promises.resolve(f"refund/{event['data']['object']['id']}", Value(data=event["type"]))


@router.post("/orders/{number}/pick-up")
async def picked_up(number: int, resonate: Engine, person: Annotated[User, Depends(active)]) -> None:
    await resonate.promises.resolve(f"pick-up/{number}", Value(data=str(person.id)))


@router.post("/orders/{number}/refuse")
async def refused(number: int, resonate: Engine, card: HTTPAuthorizationCredentials = Depends(bearer)) -> None:
    await resonate.promises.resolve(f"pick-up/{number}", Value(data=card.scheme))


@router.post("/orders/{number}/hold")
async def held(number: int, resonate: Engine, key: str = Depends(by_key)) -> None:
    await resonate.promises.resolve(f"hold/{number}", Value(data=bool(key)))


@router.post("/orders/{number}/pack")
async def packed(number: int, resonate: Engine, by: Annotated[str, Depends(shift)]) -> None:
    await resonate.promises.resolve(f"pack/{number}", Value(data=by))


@router.post("/orders/{number}/send")
async def sent(number: int, resonate: Engine, claims: dict[str, str] = Depends(tenant.require_it())) -> None:
    await resonate.promises.resolve(f"send/{number}", Value(data=claims["sub"]))


@router.post("/github")
async def merged(request: Request, resonate: Engine) -> None:
    event = sansio.Event.from_http(request.headers, await request.body(), secret=os.environ["GITHUB"])
    await resonate.promises.resolve(f"merge/{event.data['number']}", Value(data=event.event))


@router.post("/slack")
async def pressed(request: Request, resonate: Engine) -> None:
    body = await request.body()
    if not slack.is_valid_request(body, dict(request.headers)):
        return
    form = await request.form()
    await resonate.promises.resolve(f"press/{form['number']}", Value(data=True))


@router.post("/sms")
async def answered(request: Request, resonate: Engine) -> None:
    form = await request.form()
    if twilio.validate(str(request.url), form, request.headers.get("X-Twilio-Signature", "")):
        await resonate.promises.resolve(f"sms/{form['From']}", Value(data=form["Body"]))


# file: shop/desk.py
from flask import Flask, abort
from flask_security import roles_accepted
from resonate.resonate import Resonate
from resonate.types import Value


def create(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.post("/desk/<int:number>")
    @roles_accepted("clerk", "manager")
    async def handed_over(number: int):
        await resonate.promises.resolve(f"desk/{number}", Value(data=True))
        return "", 204

    return app


# file: shop/door.py
from resonate.resonate import Resonate
from resonate.types import Value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def opened(request: Request) -> Response:
    if not request.user.is_authenticated:
        return Response(status_code=404)
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.resolve(f"door/{request.path_params['door']}", Value(data=True))
    return Response(status_code=204)


app = Starlette(routes=[Route("/doors/{door:int}", opened, methods=["POST"])])
