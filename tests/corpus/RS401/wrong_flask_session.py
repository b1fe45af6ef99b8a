from datetime import timedelta

from flask import Flask, request
from resonate.resonate import Resonate
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Loan(Base):
    __tablename__ = "loans"

    id: Mapped[str] = mapped_column(primary_key=True)
    book: Mapped[str]


def create_app(resonate: Resonate, sessions: async_sessionmaker[AsyncSession]) -> Flask:
    app = Flask(__name__)

    @app.post("/loans/<loan_id>")
    async def lend(loan_id: str):
        async with sessions.begin() as session:
            session.add(Loan(id=loan_id, book=request.json["book"]))  # want: RS401
        reminders = resonate.options(target="reminders", timeout=timedelta(days=60))
        handle = reminders.rpc(f"loan/{loan_id}", "remind_until_returned", loan_id)
        return {"loan": await handle.id()}, 202

    return app
