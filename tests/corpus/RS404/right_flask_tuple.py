from datetime import timedelta

from flask import Flask, make_response, redirect, request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)
    kitchen = resonate.options(target="kitchen", timeout=timedelta(hours=3))

    @app.post("/tables/<int:table>/orders/<order>")
    async def order(table: int, order: str):
        handle = kitchen.rpc(f"table/{table}/{order}", "cook", request.json["dishes"])
        return {"order": await handle.id()}, 202, {"Location": f"/tables/{table}/orders/{order}"}

    @app.post("/tables/<int:table>/bill")
    async def bill(table: int):
        await kitchen.rpc(f"bill/{table}", "print_bill", table).id()
        return redirect(f"/tables/{table}", code=303)

    @app.delete("/tables/<int:table>/orders/<order>")
    async def stop(table: int, order: str):
        await kitchen.rpc(f"stop/{table}/{order}", "stop_cooking", table, order).id()
        answer = make_response({"stopping": order})
        answer.status_code = 202
        return answer

    return app
