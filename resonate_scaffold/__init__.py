"""Durable HTTP services on Resonate, generated and grown."""
