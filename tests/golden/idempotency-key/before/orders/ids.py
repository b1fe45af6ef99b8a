"""How requests name their work: one function a convention, from business fields to an id.

`runtime/durable/ids.py` explains the ids of work, gates and operations. `resonate-scaffold add idempotency-key` adds a
convention here.
"""
