"""Texts that would be no Python, in strings.

<<<<<<< HEAD
print "old"
=======
print("new")
>>>>>>> branch
"""

from resonate.context import Context

TEMPLATE = """
def {{ name }}(
{% for field in fields %}
    {{ field }},
{% endfor %}
"""
PATTERN = r"""^(?P<open>[({[])\s*(?!\1)"""
QUERY = 'SELECT "unclosed FROM (((' "\N{BULLET}" '\
 and on'


async def render(ctx: Context, name: str) -> str:
    return TEMPLATE.replace("{{ name }}", name)


async def publish(ctx: Context, names: list[str]) -> list[str]:
    done = []
    for name in names:
        done.append(await ctx.run(render, name))
    return done
