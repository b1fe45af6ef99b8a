"""The clients that the first page of each manual shows are not the async ones."""

import os

import anthropic
from groq import Groq
from openai import OpenAI
from resonate.context import Context
from resonate.resonate import Resonate

client = OpenAI()


class Writer:
    def __init__(self) -> None:
        self.claude = anthropic.Anthropic(api_key=os.environ["ANTHROPIC_API_KEY"])

    async def title(self, text: str) -> str:
        answer = self.claude.messages.create(model="claude", max_tokens=50, messages=[])  # want: RS304
        return text + answer.content[0].text


async def summarize(ctx: Context, text: str) -> str:
    answer = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": text}])  # want: RS304
    return answer.choices[0].message.content


async def headline(ctx: Context, text: str) -> str:
    return await Writer().title(text)


async def translate(ctx: Context, text: str) -> str:
    return Groq().chat.completions.create(model="llama", messages=[]).choices[0].message.content  # want: RS304


async def publish(ctx: Context, text: str) -> list[str]:
    return [await ctx.run(it, text) for it in (summarize, headline, translate)]


def register(resonate: Resonate) -> None:
    resonate.register(publish)
