# file: backend/crm/__init__.py
# file: backend/crm/db/__init__.py
# file: backend/crm/db/persons.py
from resonate.context import Context


async def find(ctx: Context, number: int) -> int:
    return number


# file: backend/paid/__init__.py
# file: backend/paid/crm/__init__.py
# file: backend/paid/crm/db/__init__.py
# file: backend/paid/crm/db/persons.py
from crm.db.persons import find

FOUND = find


# file: backend/paid/crm/access.py
"""The package of this name is the other one: that one stands beside the outermost package."""

from crm.db.persons import find
from paid.crm.db.persons import FOUND

BOTH = (find, FOUND)


# file: backend/crm/celery.py
"""Named like a distribution, which it imports itself."""

from celery import Celery

worker = Celery("crm")


# file: backend/crm/tasks.py
from celery import Task, shared_task

LIST = (Task, shared_task)


# file: scripts/persons.py
def load() -> list[int]:
    return []


# file: scripts/nightly.py
"""A script, beside which something has the name of a distribution that may be meant."""

from persons import load, save

print(load, save)
