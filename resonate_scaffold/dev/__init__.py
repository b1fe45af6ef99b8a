"""`resonate-scaffold dev`: a service's Procfile on one machine, with an engine, readable logs and reload.

`Procfile.dev`, where there is one, adds what runs in development only, such as stand-ins for other teams.
"""
