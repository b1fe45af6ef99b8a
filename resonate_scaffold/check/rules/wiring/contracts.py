"""RS103 and RS105, and RS102 of contracts: what is promised to callers, and who serves it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.wiring.groups import likely_group
from resonate_scaffold.code.facts import Contract, Registration
from resonate_scaffold.code.model import Model


def contracts(model: Model) -> Iterator[Finding]:
    """RS103, RS105, and RS102 of contracts. One that is served in the wrong place is served: RS105 alone tells."""
    served = {id(it.contract) for it in model.registrations if it.contract is not None}
    joined = {it.group for it in model.registrations if it.contract is not None and not it.stands_in}
    joined |= {it.group for it in model.workers if it.grouped}
    for contract in model.contracts.values():
        if id(contract) in served or contract.name is None or contract.group is None or model.is_blind:
            continue
        group = model.groups.get(contract.group)
        if group is None and not model.joins_unknown:
            close = likely_group(contract.group, model)
            if close is not None:
                message = f"{contract.name!r} has a contract for group {contract.group!r}, which no process joins"
                yield finding("RS102", contract.call, contract.scope, message, f"Did you mean {close!r}?")
        elif group is not None and contract.group in joined and not group.is_open and not model.is_open:
            lacks = f"SERVED of group {contract.group!r} lacks it: calls wait for ever"
            message = f"{contract.name!r} has a contract, but {lacks}"
            yield finding("RS103", contract.call, contract.scope, message, _how_to_serve(model, contract))
    yield from _served_elsewhere(model)


def _how_to_serve(model: Model, contract: Contract) -> str:
    """What to do for a contract that nobody serves."""
    if not model.is_served_by_decorator(contract):
        return f"Add serve({contract.variable}, …) to that worker."
    written = next((function for function, meant in model.unlisted.items() if meant is contract), None)
    if written is not None:
        return f"Add {written.name} (line {written.line} of {written.module.path}) to that list."
    return f"Decorate its function with @serve({contract.variable}, …), and add the function to that list."


def _served_elsewhere(model: Model) -> Iterator[Finding]:
    """RS105: by a `worker.py`, which says its group; a process for all groups has other ways."""
    lists: dict[ast.AST, list[Registration]] = {}
    for it in model.registrations:
        if it.contract is not None:
            lists.setdefault(it.node, []).append(it)
    for node, several in lists.items():
        it = several[0]
        contract = it.contract
        assert contract is not None
        homes = [each.home for each in several if each.home is not None and each.home.module.path.name == "worker.py"]
        groups = {home.group for home in homes}
        if contract.group is None or not groups or not groups.isdisjoint({None, contract.group}):
            continue
        message = (
            f"{contract.name!r} belongs to group {contract.group!r}, and the worker of {homes[0].group!r} serves it"
        )
        yield finding("RS105", node, it.scope, message, "Serve it in its own group, or change the contract's.")
