"""A worker and its caller in one file, as they were written for 0.6."""

from threading import Event

from resonate import Context, Resonate  # want: RS501

resonate = Resonate.remote(host="http://localhost", group="kiln")  # want: RS502


@resonate.register
def fire(ctx: Context, pot: str, degrees: int) -> str:
    return f"{pot} at {degrees}"


def main() -> None:
    resonate.start()
    handle = fire.begin_run("fire-pot-1", "pot-1", 1200)  # want: RS502
    print("running", handle)
    print(fire.run("fire-pot-2", "pot-2", 950))  # want: RS502
    Event().wait()


if __name__ == "__main__":
    main()
