# file: app/mailer.py
from email.message import EmailMessage

import aiosmtplib


async def send_receipt(address: str, cents: int) -> None:
    message = EmailMessage()
    message["To"] = address
    message["From"] = "tickets@example.org"
    message.set_content(f"We received {cents / 100:.2f}.")
    await aiosmtplib.send(message, hostname="smtp.internal", port=587)  # want: RS301

# file: app/worker.py
import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from app.mailer import send_receipt


async def capture(ctx: Context, booking: str) -> int:
    print("captured", booking)
    return 4200


async def confirm_booking(ctx: Context, booking: str, address: str) -> int:
    cents = await ctx.run(capture, booking)
    if cents > 0:
        await send_receipt(address, cents)
    return cents


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    worker = Resonate(url="http://localhost:8001", group="booking", retry_policy=policy)
    worker.register(confirm_booking, name="booking.confirm")
    await asyncio.Event().wait()


asyncio.run(main())
