"""The generated image, built and run as its compose.yaml says. `nox -s image`; docs/containers.md explains it."""
