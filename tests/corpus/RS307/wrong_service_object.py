"""A service that keeps its client on itself; its gateway has none to retry."""

from collections.abc import Sequence

from resonate.context import Context
from resonate.resonate import Resonate


class Translator:
    def __init__(self, url: str, languages: Sequence[str]) -> None:
        self.languages = list(languages)
        self.gateway = Resonate(url=url, group="translator-gateway", sources=[])
        self.worker = Resonate(url=url, group="translator")  # want: RS307
        self.worker.with_dependency(self)
        self.worker.register(self.translate, name="translate")

    async def translate(self, ctx: Context, text: str, language: str) -> str:
        if language not in self.languages:
            raise ValueError(language)
        return f"{language}: {text}"

    async def ask(self, key: str, text: str) -> str:
        handle = self.gateway.options(target="translator").rpc(f"translate/{key}", "translate", text, "eo")
        return await handle.id()
