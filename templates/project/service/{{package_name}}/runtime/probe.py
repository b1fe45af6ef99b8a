"""Ask the process of this container whether it is ready: the health check of the image.

    python -m <package>.runtime.probe

An API answers at PORT, a worker at HEALTH_PORT, by default where the `Dockerfile` has them. The exit status is 0 where
`/readyz` is answered with 200; else 1, and what is wrong is printed. A container runs this every few seconds, so it
imports nothing but the standard library.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

_PORTS = (("PORT", "8000"), ("HEALTH_PORT", "9000"))
_PATIENCE = 4.0
"""Seconds; the image's health check is ended after 5."""


def main() -> int:
    """Ask, and print what is wrong; the exit status."""
    for name, default in _PORTS:
        # Not by a URL: HTTP_PROXY in the environment is meant for other machines.
        connection = HTTPConnection("127.0.0.1", int(os.environ.get(name) or default), timeout=_PATIENCE)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            if answer.status == 200:
                return 0
            print(f"{name} {connection.port}: {answer.status} {answer.read(1000).decode(errors='replace')}")
            return 1
        except ConnectionRefusedError:
            continue  # It is the other kind of process, or starts.
        except (OSError, HTTPException) as error:
            print(f"{name} {connection.port}: {error!r}")
            return 1
        finally:
            connection.close()
    print("nothing listens at PORT or HEALTH_PORT")
    return 1


if __name__ == "__main__":
    sys.exit(main())
