"""Stores over SQL: one schema, one code, dialects beside it."""
