"""Reads any Python program that uses Resonate: files, names, values; who registers, calls, serves and routes."""
