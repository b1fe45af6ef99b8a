from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .rpc import Registration, Rpc


@dataclass(frozen=True, slots=True)
class Schedule:
    name: str
    cron: str
    workflow: Registration[Any, Any] | Rpc[Any, Any]
    request: BaseModel
