"""How the ids and groups of this service are spelled on an engine that other services may share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Namespace:
    """The service's part of the engine: ids ``myapi/job/order-1``, groups ``myapi.workers``.

    The service's own code leaves the namespace out (``job/order-1``, ``workers``). ``name`` is NAMESPACE: "" leaves ids
    and groups as they are. ``groups`` are the service's own; any other group belongs to somebody else and is written as
    the engine knows it (``payments.workers``).

    An id on the engine is longer than its local form by the name and a slash, 41 characters at most.
    """

    name: str = ""
    groups: frozenset[str] = frozenset()

    def group(self, group: str) -> str:
        """The group's name on the engine."""
        return f"{self.name}.{group}" if self.name and group in self.groups else group

    def target(self, group: str) -> str:
        """The address by which the engine delivers to any worker of a group."""
        return f"poll://any@{self.group(group)}"

    def engine_id(self, local_id: str) -> str:
        """The id on the engine of a promise or a schedule."""
        return f"{self.name}/{local_id}" if self.name else local_id

    def local_id(self, engine_id: str) -> str:
        """An id of this service as its own code knows it: what :meth:`engine_id` was given."""
        return engine_id.removeprefix(f"{self.name}/") if self.name else engine_id
