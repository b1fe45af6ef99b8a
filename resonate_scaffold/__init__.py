"""Durable HTTP services on Resonate, generated and grown."""

__version__ = "0.2.0"
