"""Calls that hold up an event loop: well-known clients that are not async, each with the page that says so."""

from __future__ import annotations

import re
from functools import cache

from resonate_scaffold.code.outside import canonical

# Of a client of a model's vendor: whatever sends a request. `with_raw_response` and its like stand in between.
_CALL = (
    r"(\w+\.)+(create|parse|stream|generate|edit|retrieve|list|delete|cancel|count_tokens|poll|create_and_poll|upload)"
)
_VERB = r"(get|post|put|patch|delete|head|options|request|send|stream)"
_SESSION = (
    r"(execute|exec|scalar|scalars|commit|flush|refresh|get|get_one|rollback|stream_scalars|bulk_\w+"
    r"|query\.(\w+\.)*(all|first|one|one_or_none|scalar|count|get|update|delete))"
)
_MONGO = (
    r"(insert_one|insert_many|update_one|update_many|replace_one|delete_one|delete_many|find_one|find_one_and_\w+"
    r"|aggregate|bulk_write|count_documents|distinct|drop)"
)
BLOCKING: dict[str, tuple[str, ...]] = {
    "https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code": (
        r"time\.sleep",
        r"builtins\.input",
        r"os\.(system|waitpid)",
        r"subprocess\.(run|call|check_call|check_output|getoutput|getstatusoutput)",
        r"subprocess\.Popen\.(wait|communicate)",
        r"urllib\.request\.(urlopen|urlretrieve)",
        r"socket\.create_connection",
        r"sqlite3\.connect",
        r"smtplib\.(SMTP|SMTP_SSL)",
        r"imaplib\.(IMAP4|IMAP4_SSL)",
        r"ftplib\.(FTP|FTP_TLS)",
    ),
    "https://requests.readthedocs.io/en/latest/user/advanced/#blocking-or-non-blocking": (
        rf"(requests|niquests)\.{_VERB}",
        rf"(requests|niquests)\.(Session|session)\.{_VERB}",
    ),
    "https://www.python-httpx.org/async/": (rf"httpx\.{_VERB}", rf"httpx\.Client\.{_VERB}"),
    "https://urllib3.readthedocs.io/en/stable/user-guide.html": (r"urllib3\.(request|PoolManager\.(request|urlopen))",),
    # An async one is another project: https://aioboto3.readthedocs.io
    "https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html": (
        r"boto3\.client\.(?!(close|meta|exceptions|can_paginate|get_paginator|get_waiter|generate_presigned\w+)\b)\w+",
        r"boto3\.client\.get_waiter\.wait",
        r"boto3\.resource\.(\w+\.)+(put|get|put_object|upload_\w+|download_\w+|delete|delete_\w+|put_item|get_item"
        r"|update_item|query|scan|send_message|send_messages|receive_messages|publish|load|copy|copy_from)",
    ),
    "https://github.com/openai/openai-python#async-usage": (
        rf"openai\.(OpenAI|AzureOpenAI|Client)\.{_CALL}",
        r"openai\.(chat\.completions|completions|embeddings|images|responses|moderations|audio\.\w+)\.(create|generate)",
        r"openai\.(ChatCompletion|Completion|Embedding)\.create",
    ),
    "https://github.com/anthropics/anthropic-sdk-python#async-usage": (
        rf"anthropic\.(Anthropic|AnthropicBedrock|AnthropicVertex|Client)\.{_CALL}",
    ),
    "https://github.com/groq/groq-python#async-usage": (rf"groq\.(Groq|Client)\.{_CALL}",),
    "https://github.com/togethercomputer/together-python#async-usage": (rf"together\.(Together|Client)\.{_CALL}",),
    "https://github.com/mistralai/client-python#asynchronous-usage": (
        r"mistralai\.Mistral\.(\w+\.)+(complete|stream|create|process|list|retrieve|upload)",
    ),
    "https://github.com/cohere-ai/cohere-python": (
        r"cohere\.(Client|ClientV2)\.(chat|chat_stream|generate|embed|rerank|classify|summarize)",
    ),
    "https://googleapis.github.io/python-genai/#create-a-client": (
        r"google\.genai\.Client\.(models|files|caches|batches)\.\w+",
    ),
    "https://github.com/ollama/ollama-python#async-client": (
        r"ollama\.(Client\.)?(chat|generate|embed|embeddings|pull|push|create|list|show)",
    ),
    "https://github.com/replicate/replicate-python": (r"replicate\.(Client\.)?run",),
    # In version 8 what waits for the network and does not block ends in `_async`.
    "https://github.com/stripe/stripe-python#async": (
        r"stripe\.([A-Z]\w*|checkout|billing_portal|identity|issuing|treasury|terminal)(\.\w+)*\.(create|retrieve|modify"
        r"|list|search|delete|cancel|confirm|capture|pay|void_invoice|finalize_invoice|send_invoice|update)",
    ),
    "https://www.twilio.com/docs/libraries/reference/twilio-python/#asynchronous-api-requests": (
        r"twilio\.rest\.Client\.(\w+\.)+(create|fetch|list|update|delete)",
    ),
    "https://github.com/sendgrid/sendgrid-python": (r"sendgrid\.SendGridAPIClient\.(send|client(\.\w+)+)",),
    "https://docs.slack.dev/tools/python-slack-sdk/web#async": (
        r"slack_sdk\.(web\.)?(client\.)?WebClient\.(api_call|(chat|files|users|conversations|views|reactions|auth)_\w+)",
    ),
    "https://redis.readthedocs.io/en/stable/examples/asyncio_examples.html": (
        r"redis\.(client\.)?(Redis|StrictRedis)\.(?!(close|pipeline|pubsub|lock|register_script|from_url)\b)\w+",
    ),
    "https://www.mongodb.com/docs/languages/python/pymongo-driver/current/integrations/fastapi-integration/": (
        rf"pymongo\.(mongo_client\.)?MongoClient\.(\w+\.)+{_MONGO}",
    ),
    "https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html": (
        rf"sqlalchemy\.orm\.Session\.{_SESSION}",
        r"sqlalchemy\.Engine\.(connect|begin)",
    ),
    "https://www.psycopg.org/psycopg3/docs/advanced/async.html": (
        r"psycopg2?\.connect",
        r"psycopg\.Connection\.connect",
    ),
    "https://peps.python.org/pep-0249/": (
        r"(pymysql|MySQLdb|mysql\.connector|pyodbc|cx_Oracle|oracledb|pymssql|snowflake\.connector)\.connect",
    ),
    "https://elasticsearch-py.readthedocs.io/en/latest/async.html": (
        r"elasticsearch\.Elasticsearch\.(search|index|get|delete|update|bulk|count|mget|msearch)",
    ),
    "https://pika.readthedocs.io/en/stable/modules/adapters/blocking.html": (r"pika\.BlockingConnection",),
    "https://docs.paramiko.org/en/stable/api/client.html": (r"paramiko\.SSHClient\.(connect|exec_command|open_sftp)",),
}
"""Patterns of names, as the reader spells them, by the page that says that they wait, or what to use instead."""

_BLOCKS = re.compile("|".join(f"(?:{it})" for patterns in BLOCKING.values() for it in patterns))


@cache
def blocks(name: str) -> bool:
    """Whether a call of this name holds up an event loop."""
    if ".asyncio." in name and not name.startswith("sqlalchemy."):
        return False  # the same class as the other, in another module
    return _BLOCKS.fullmatch(canonical(name)) is not None
