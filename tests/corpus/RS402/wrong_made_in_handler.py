from resonate.context import Context
from resonate.effects import ResonateEffects
from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def translate(ctx: Context, text: str, language: str) -> str:
    return f"[{language}] {text}"


async def translations(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    wanted = await request.json()
    key = f"translation/{wanted['key']}"
    core, effects = resonate._core, ResonateEffects(resonate._sender, resonate._codec, key, 1, [])
    ctx = Context.root(  # want: RS402
        key, key, resonate._clock() + 60_000, "translations", effects, core.resolver, core.deps
    )
    return JSONResponse({"text": await ctx.run(translate, wanted["text"], wanted["language"])})


app = Starlette(routes=[Route("/translations", translations, methods=["POST"])])
