"""Durable HTTP services on Resonate, generated and grown."""

__version__ = "0.1.0"
