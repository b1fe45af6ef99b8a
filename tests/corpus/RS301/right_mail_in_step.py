"""The message is composed in the workflow, which is pure, and sent by a step."""

import asyncio
import smtplib
from email.message import EmailMessage

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def compose(address: str, invoice: str, cents: int) -> EmailMessage:
    message = EmailMessage()
    message["To"] = address
    message["Subject"] = f"Invoice {invoice}"
    message.set_content(f"{cents} cents are due.")
    return message


def send(message: EmailMessage) -> None:
    with smtplib.SMTP("smtp.internal") as smtp:
        smtp.send_message(message)


async def deliver(ctx: Context, message: EmailMessage) -> None:
    await asyncio.to_thread(send, message)


async def total(ctx: Context, invoice: str) -> int:
    return 990


async def send_invoice(ctx: Context, invoice: str, address: str) -> int:
    cents = await ctx.run(total, invoice)
    await ctx.run(deliver, compose(address, invoice, cents))
    return cents


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="invoices", retry_policy=policy)
    resonate.register(send_invoice)
    await asyncio.Event().wait()


asyncio.run(main())
