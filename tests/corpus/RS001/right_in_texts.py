"""How to suppress a finding: write `# noqa: RS201` at the end of its line."""

from resonate.context import Context

HELP = """
    at = datetime.now()  # noqa: RS999
"""


async def usage(ctx: Context) -> str:
    return HELP + "# noqa: RS201"
