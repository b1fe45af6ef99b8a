"""uvicorn, as this service runs it."""

from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from ..settings import ServiceSettings
from .protocol import BoundedHttp


def serve(app: FastAPI | str, settings: ServiceSettings, **options: Any) -> None:
    """Serve until SIGTERM or SIGINT. ``app`` may be an import path, as `uvicorn.run` takes it."""
    _raise_file_limit()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedHttp,
        ws="none",
        log_config=None,
        access_log=False,
        limit_concurrency=settings.max_connections,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=int(settings.keep_alive.total_seconds()),
        timeout_graceful_shutdown=max(int(settings.shutdown_grace.total_seconds()), 1),
        **options,
    )


def _raise_file_limit() -> None:
    """Allow this process as many open files as the system lets it have: each connection is one."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit; macOS refuses some values
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
