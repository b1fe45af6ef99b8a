from datetime import timedelta

from flask import Flask, jsonify, request
from resonate.resonate import Resonate


def create_app(resonate: Resonate) -> Flask:
    app = Flask(__name__)

    @app.route("/courses/<course>/certificates", methods=["POST"])
    async def issue(course: str):  # want: RS404
        students = request.get_json()["students"]
        if not students:
            return jsonify(error="nobody to certify"), 422
        printing = resonate.options(target="printing", timeout=timedelta(days=1))
        handle = printing.rpc(f"certificates/{course}", "print_certificates", students)
        return jsonify(id=await handle.id())

    return app
