# file: backend/paid/__init__.py
# file: backend/paid/crm/__init__.py
# file: backend/paid/crm/db/__init__.py
# file: backend/paid/crm/db/persons.py
from resonate.context import Context


async def find(ctx: Context, number: int) -> int:
    return number


# file: backend/paid/crm/routes/__init__.py
# file: backend/paid/crm/routes/persons.py
from paid.crm.db.persons import find, find_all  # want: RS114

from ..db.persons import remove  # want: RS114

LIST = (find, find_all, remove)
