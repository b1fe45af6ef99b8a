"""Durable functions: contracts, gates, writes that happen once, schedules."""
