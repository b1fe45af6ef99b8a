from fastapi import FastAPI
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.stores import RemoteStore  # want: RS501


class Registry:
    def __init__(self, words: list[str]) -> None:
        self.words = words


def define(ctx: Context, word: str) -> str:
    return f"{word}: a word"


def create(host: str) -> Resonate:
    client = Resonate(store=RemoteStore(host=host), group="dictionary")  # want: RS502
    client.set_dependency("registry", Registry(["aardvark"]))  # want: RS502
    client.register(define)
    return client


def create_app() -> FastAPI:
    app = FastAPI()
    app.state.resonate = create("http://localhost")
    return app
