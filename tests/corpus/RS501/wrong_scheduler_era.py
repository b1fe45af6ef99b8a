import sqlite3

from resonate.context import Context
from resonate.retry_policy import never  # want: RS501
from resonate.scheduler import Scheduler  # want: RS501
from resonate.storage.resonate_server import RemoteServer  # want: RS501


def insert(ctx: Context, name: str) -> int:
    connection = sqlite3.connect("guests.db")
    with connection:
        connection.execute("INSERT INTO guests (name) VALUES (?)", (name,))
    return connection.total_changes


def open_scheduler(url: str) -> Scheduler:
    scheduler = Scheduler(RemoteServer(url=url), logic_group="guests")
    scheduler.register(insert, name="insert-guest", retry_policy=never())
    return scheduler


if __name__ == "__main__":
    open_scheduler("http://localhost:8001").wait_forever()
