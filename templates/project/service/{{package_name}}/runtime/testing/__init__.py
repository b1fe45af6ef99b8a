"""The pytest plugin: fixtures, crashes, replays, the guarantees."""
