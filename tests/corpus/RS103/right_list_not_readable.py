# file: forms/__init__.py
# file: forms/rpc.py (shared)
# file: forms/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Form(BaseModel):
    number: int


class Checked(BaseModel):
    ok: bool


check = Rpc(name="check", group="workers", request=Form, result=Checked)
stamp = Rpc(name="stamp", group="workers", request=Form, result=Checked)
archive = Rpc(name="archive", group="workers", request=Form, result=Checked)
# file: forms/workflows/__init__.py
# file: forms/workflows/found.py
import pkgutil
from importlib import import_module

from ..rpc import Served


def found(package: str) -> list[Served]:
    """What each module of a package serves: its own `SERVES`."""
    modules = pkgutil.iter_modules(import_module(package).__path__)
    return [entry for module in modules for entry in import_module(f"{package}.{module.name}").SERVES]
# file: forms/workflows/worker.py
from resonate.context import Context

from .. import contracts
from ..rpc import Served, serve
from .found import found

GROUP = "workers"


async def check_form(ctx: Context, form: contracts.Form) -> contracts.Checked:
    return contracts.Checked(ok=form.number > 0)


SERVED: list[Served] = [serve(contracts.check, check_form), *found("forms.desks")]
