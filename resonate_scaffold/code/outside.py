"""What names outside of a program do: which read the clock, draw random values, block, or write."""

from __future__ import annotations

import re
from functools import cache

_CLOCK = r"""
time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|process_time|process_time_ns|thread_time|clock_gettime|localtime|gmtime|ctime|asctime|strftime)
timeit\.default_timer
datetime\.datetime\.(now|utcnow|today)
datetime\.date\.today
asyncio\.(get_running_loop|get_event_loop)\.time
django\.utils\.timezone\.(now|localtime|localdate)
pendulum\.(now|today|tomorrow|yesterday)
arrow\.(now|utcnow)
pandas\.Timestamp\.(now|today|utcnow)
whenever\.\w+\.now(_in_system_tz|_in_utc)?
"""
_RANDOM = r"""
random\.(random|randint|randrange|choice|choices|sample|shuffle|uniform|gauss|getrandbits|randbytes|\w+variate|triangular)
(random|secrets)\.SystemRandom(\.\w+)?
random\.Random(\.\w+)?
secrets\.(token_bytes|token_hex|token_urlsafe|choice|randbelow|randbits)
os\.(urandom|getrandom)
numpy\.random\.(?!seed|get_state|set_state|Generator)\w+(\.\w+)?
"""
_UUID = r"""
uuid\.(uuid1|uuid4|uuid6|uuid7|uuid8)
ulid\.(new|ULID|ulid)
nanoid\.generate
shortuuid\.(uuid|random|ShortUUID\.\w+)
cuid2?\.\w+
"""
_ENVIRONMENT = r"""
os\.(getenv|getenvb|getcwd|getpid|getppid|getlogin|uname|cpu_count)
os\.environb?(\.\w+)?
sys\.argv(\.\w+)?
socket\.(gethostname|getfqdn)
platform\.\w+
locale\.(getlocale|getdefaultlocale|getpreferredencoding)
getpass\.getuser
pathlib\.Path\.(cwd|home)
dotenv\.(load_dotenv|dotenv_values|get_key)
decouple\.config
"""
_FILES = r"""
builtins\.open
io\.open
codecs\.open
aiofiles\.(open|os\.\w+)
(pathlib|anyio)\.Path\.(open|read_text|read_bytes|write_text|write_bytes|unlink|mkdir|rmdir|touch|rename|replace|exists|is_file|is_dir|is_symlink|stat|lstat|chmod|symlink_to|hardlink_to|iterdir|glob|rglob|walk)
anyio\.open_file
os\.(open|remove|unlink|rename|replace|mkdir|makedirs|rmdir|removedirs|listdir|scandir|walk|stat|lstat|link|symlink|chmod|utime|truncate|access)
os\.path\.(exists|lexists|isfile|isdir|islink|getsize|getmtime|getctime)
shutil\.(copy|copy2|copyfile|copytree|move|rmtree|make_archive|unpack_archive|disk_usage)
tempfile\.\w+
glob\.(glob|iglob)
"""
_NETWORK = r"""
(requests|httpx|niquests)\.(get|post|put|patch|delete|head|options|request|stream)
(requests|niquests)\.(Session|session)\.(get|post|put|patch|delete|head|options|request|send)
httpx\.(Client|AsyncClient)\.(get|post|put|patch|delete|head|options|request|send|stream)
aiohttp\.(request|ClientSession\.(get|post|put|patch|delete|head|options|request|ws_connect))
urllib\.request\.(urlopen|urlretrieve|build_opener\.open)
urllib3\.(request|PoolManager\.(request|urlopen))
http\.client\.(HTTPConnection|HTTPSConnection)\.(connect|request|getresponse)
socket\.(create_connection|getaddrinfo|gethostbyname)
socket\.socket\.(connect|connect_ex|accept|send|sendall|sendto|sendfile|recv|recvfrom|recv_into)
asyncio\.(open_connection|open_unix_connection)
websockets\.(\w+\.)*connect
boto3\.client\.(?!(close|meta|exceptions|can_paginate|get_paginator|get_waiter|generate_presigned\w+)$)\w+
boto3\.client\.(get_paginator\.paginate|get_waiter\.wait)
boto3\.resource\.(\w+\.)+(put|get|put_object|upload_\w+|download_\w+|delete|delete_\w+|put_item|get_item|update_item|query|scan|send_message|send_messages|receive_messages|publish|load|all|filter|copy|copy_from)
(\w+\.)*\w+_pb2_grpc\.\w+Stub\.\w+
ftplib\.(FTP|FTP_TLS)\.(?!(set_\w+|close)$)\w+
paramiko\.SSHClient\.(connect|exec_command|open_sftp|invoke_shell)
openai\.(Async)?(OpenAI|AzureOpenAI)\.(\w+\.)+(create|parse|stream|generate|edit|retrieve|list|delete|cancel)
anthropic\.(Async)?(Anthropic|AnthropicBedrock|AnthropicVertex)\.(\w+\.)+(create|parse|stream|count_tokens|retrieve|list|delete|cancel)
stripe\.(\w+\.)+(create|retrieve|modify|update|list|search|delete|cancel|confirm|capture|pay|void_invoice|finalize_invoice)(_async)?
redis\.(Redis|StrictRedis)\.(?!(close|aclose|pipeline|pubsub|lock|register_script|from_url)$)\w+
"""
_THREADS = r"""
threading\.(Thread|Timer)(\.start)?
_thread\.start_new_thread
multiprocessing\.(get_context\.)?(Process|Pool|pool\.ThreadPool)(\.(start|map|map_async|imap|imap_unordered|starmap|starmap_async|apply|apply_async))?
concurrent\.futures\.(ThreadPoolExecutor|ProcessPoolExecutor)(\.(submit|map))?
asyncio\.to_thread
asyncio\.(get_running_loop|get_event_loop|new_event_loop)\.run_in_executor
asyncio\.(create_subprocess_exec|create_subprocess_shell)
anyio\.(to_thread\.run_sync|run_process|open_process)
asgiref\.sync\.sync_to_async
(starlette|fastapi)\.concurrency\.run_in_threadpool
subprocess\.(run|call|check_call|check_output|getoutput|getstatusoutput|Popen)
os\.(system|popen|fork|spawn\w+|exec\w+|posix_spawn)
"""
_ASYNCIO = r"""
asyncio\.(TaskGroup|wait_for|timeout|timeout_at|wait|as_completed|sleep)
anyio\.(create_task_group|move_on_after|fail_after|sleep|sleep_until|sleep_forever)
async_timeout\.timeout
"""
# What is sent to a database, a mail server or a queue. Opening one is no effect: what is done with it is.
_EFFECTS = r"""
sqlalchemy\.(ext\.asyncio\.AsyncSession|orm\.Session)\.(execute|exec|scalar|scalars|add|add_all|merge|delete|commit|flush|get|get_one|refresh|query|stream|stream_scalars|run_sync|bulk_\w+)
sqlalchemy\.(ext\.asyncio\.Async)?(Connection|Engine)\.(execute|scalar|scalars|exec_driver_sql|commit|stream|stream_scalars|run_sync)
(sqlite3|aiosqlite)\.(Connection|Cursor)\.(execute|executemany|executescript|execute_insert|execute_fetchall|commit)
psycopg2?\.(Async)?(Connection|Cursor)\.(execute|executemany|copy|copy_expert|copy_from|commit)
(asyncpg|pymysql|aiomysql|aiopg|oracledb)\.(Connection|Cursor|Pool)\.(execute|executemany|fetch|fetchrow|fetchval|fetchmany|copy_\w+|commit)
databases\.(core\.)?Database\.(execute|execute_many|fetch_all|fetch_one|fetch_val)
(pymongo|motor)\.(\w+\.)*(insert_one|insert_many|update_one|update_many|replace_one|delete_one|delete_many|find|find_one|find_one_and_\w+|aggregate|bulk_write|count_documents)
smtplib\.(SMTP|SMTP_SSL)\.(send_message|sendmail)
aiosmtplib\.(send|SMTP\.(send_message|sendmail))
fastapi_mail\.(\w+\.)*send_message
(pika|aio_pika|aiormq|kombu|nats|google\.cloud)\.(\w+\.)*(publish|basic_publish|publish_message|default_exchange\.publish)
(aiokafka|kafka|confluent_kafka)\.(\w+\.)*(send|send_and_wait|produce|flush)
celery\.(\w+\.)*send_task
rq\.(\w+\.)*enqueue
sendgrid\.(\w+\.)*send
twilio\.(\w+\.)*create
"""
# The same class by another name, by which it may be imported too.
_SAME = {
    "sqlalchemy.ext.asyncio.session.": "sqlalchemy.ext.asyncio.",
    "sqlalchemy.ext.asyncio.engine.": "sqlalchemy.ext.asyncio.",
    "sqlalchemy.orm.session.": "sqlalchemy.orm.",
    "sqlalchemy.engine.base.": "sqlalchemy.",
    "sqlalchemy.engine.": "sqlalchemy.",
    "sqlmodel.ext.asyncio.session.": "sqlalchemy.ext.asyncio.",
    "sqlmodel.Session": "sqlalchemy.orm.Session",
    "sqlmodel.create_engine": "sqlalchemy.create_engine",
    "sqlmodel.": "sqlalchemy.",
    "asyncpg.pool.": "asyncpg.",
    "asyncpg.connection.": "asyncpg.",
    "psycopg2.extensions.connection": "psycopg2.Connection",
    "psycopg2.extensions.cursor": "psycopg2.Cursor",
    "psycopg.AsyncCursor": "psycopg.Cursor",
    "aiosqlite.core.": "aiosqlite.",
    "aiohttp.client.": "aiohttp.",
    "requests.sessions.": "requests.",
    "redis.asyncio.client.": "redis.",
    "redis.asyncio.": "redis.",
    "redis.client.": "redis.",
    "boto3.session.": "boto3.",
    "concurrent.futures.thread.": "concurrent.futures.",
    "concurrent.futures.process.": "concurrent.futures.",
    "asyncio.tasks.": "asyncio.",
    "asyncio.timeouts.": "asyncio.",
    "asyncio.taskgroups.": "asyncio.",
    "paramiko.client.": "paramiko.",
    "dotenv.main.": "dotenv.",
}
# What a call gives, where that is not an instance of what is called.
_GIVES = {
    "sqlalchemy.ext.asyncio.create_async_engine": "sqlalchemy.ext.asyncio.AsyncEngine",
    "sqlalchemy.ext.asyncio.AsyncEngine.connect": "sqlalchemy.ext.asyncio.AsyncConnection",
    "sqlalchemy.ext.asyncio.AsyncEngine.begin": "sqlalchemy.ext.asyncio.AsyncConnection",
    "sqlalchemy.ext.asyncio.AsyncSession.connection": "sqlalchemy.ext.asyncio.AsyncConnection",
    "sqlalchemy.ext.asyncio.async_sessionmaker.begin": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.ext.asyncio.async_sessionmaker.__call__": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.create_engine": "sqlalchemy.Engine",
    "sqlalchemy.Engine.connect": "sqlalchemy.Connection",
    "sqlalchemy.Engine.begin": "sqlalchemy.Connection",
    "sqlalchemy.orm.sessionmaker.begin": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.sessionmaker.__call__": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.scoped_session.__call__": "sqlalchemy.orm.Session",
    "sqlite3.connect": "sqlite3.Connection",
    "sqlite3.Connection.cursor": "sqlite3.Cursor",
    "aiosqlite.connect": "aiosqlite.Connection",
    "aiosqlite.Connection.cursor": "aiosqlite.Cursor",
    "psycopg2.connect": "psycopg2.Connection",
    "psycopg2.Connection.cursor": "psycopg2.Cursor",
    "psycopg.connect": "psycopg.Connection",
    "psycopg.Connection.connect": "psycopg.Connection",
    "psycopg.Connection.cursor": "psycopg.Cursor",
    "psycopg.AsyncConnection.connect": "psycopg.AsyncConnection",
    "psycopg.AsyncConnection.cursor": "psycopg.Cursor",
    "psycopg_pool.ConnectionPool.connection": "psycopg.Connection",
    "psycopg_pool.AsyncConnectionPool.connection": "psycopg.AsyncConnection",
    "asyncpg.connect": "asyncpg.Connection",
    "asyncpg.create_pool": "asyncpg.Pool",
    "asyncpg.Pool.acquire": "asyncpg.Connection",
    "pathlib.Path.resolve": "pathlib.Path",
    "pathlib.Path.absolute": "pathlib.Path",
    "pathlib.Path.expanduser": "pathlib.Path",
    "pathlib.Path.joinpath": "pathlib.Path",
    "pathlib.Path.with_name": "pathlib.Path",
    "pathlib.Path.with_stem": "pathlib.Path",
    "pathlib.Path.with_suffix": "pathlib.Path",
    "pathlib.Path.cwd": "pathlib.Path",
    "pathlib.Path.home": "pathlib.Path",
    "redis.from_url": "redis.Redis",
    "redis.Redis.from_url": "redis.Redis",
    "boto3.Session.client": "boto3.client",
    "boto3.Session.resource": "boto3.resource",
}
_LOGS = (
    r"builtins\.print|warnings\.warn"
    r"|(logging(\.getLogger|\.Logger|\.LoggerAdapter)?|structlog(\.stdlib)?(\.get_logger|\.getLogger|\.BoundLogger)?"
    r"|loguru\.logger|(flask|quart)\.\w+\.logger)(\.(bind|new|opt|getChild|patch))*\.(debug|info|warning|warn|error|critical|exception|log|success|trace|ainfo|adebug|awarning|aerror)"
    r"|logging\.getLogger\.isEnabledFor"
    r"|(prometheus_client\.\w+(\.labels)?\.(observe|inc|set))"
    r"|opentelemetry\.(\w+\.)*(set_attribute|set_attributes|add_event|record)"
)


# What gives a task, a future or a coroutine: an await takes its result.
_AWAITABLE = r"""
asyncio\.(Task|Future|create_task|ensure_future|wrap_future|run_coroutine_threadsafe|shield|wait_for|gather|to_thread)
asyncio\.(TaskGroup|(get_running_loop|get_event_loop|new_event_loop))\.(create_task|create_future|run_in_executor)
"""


@cache  # compiled where it is asked for: that takes its time
def _table(text: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{line})" for line in text.split()))


# The first that fits decides.
_KINDS = (
    ("clock", _CLOCK),
    ("random", _RANDOM),
    ("uuid", _UUID),
    ("environment", _ENVIRONMENT),
    ("files", _FILES),
    ("network", _NETWORK),
    ("threads", _THREADS),
    ("asyncio", _ASYNCIO),
    ("effects", _EFFECTS),
)


@cache
def kind_of(name: str) -> str | None:
    """What a name outside does that a workflow may not: ``clock``, ``random`` …; None for all else."""
    known = canonical(name)
    return next((kind for kind, table in _KINDS if _table(table).fullmatch(known)), None)


@cache
def canonical(name: str) -> str:
    """One name for what can be imported by several."""
    for other, known in _SAME.items():
        if name.startswith(other):
            return known + name[len(other) :]
    return name


def given_by(name: str) -> str | None:
    """The class of what a call of an external name gives; None where it is an instance of what is called."""
    return _GIVES.get(canonical(name))


@cache
def is_awaitable(name: str) -> bool:
    """Whether a call of this name, or an instance of this class, is what asyncio awaits."""
    return _table(_AWAITABLE).fullmatch(name) is not None


@cache
def is_log(name: str) -> bool:
    """Whether a call of this name only tells people or metrics."""
    return re.fullmatch(_LOGS, name) is not None
