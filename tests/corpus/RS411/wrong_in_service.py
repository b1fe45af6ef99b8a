# file: gym/service.py
from datetime import timedelta

from resonate.resonate import Resonate


class Trainings:
    def __init__(self, resonate: Resonate) -> None:
        self._calls = resonate.options(target="gym", timeout=timedelta(days=60))

    async def enrol(self, member: int, plan: str) -> str:
        id = f"training/{member}/{plan}"
        self._calls.rpc(id, "train", member, plan)  # want: RS411
        return id


# file: gym/views.py
from quart import Blueprint, request

from gym.service import Trainings


def views(trainings: Trainings) -> Blueprint:
    bp = Blueprint("trainings", __name__)

    @bp.post("/members/<int:member>/trainings")
    async def enrol(member: int):
        body = await request.get_json()
        return {"training": await trainings.enrol(member, body["plan"])}, 202

    return bp
