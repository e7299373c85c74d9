"""Logs, and later metrics and traces."""

from cortexia.telemetry.logs import configure_logs, get_logger

__all__ = ["configure_logs", "get_logger"]
