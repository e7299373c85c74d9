"""cortexia: turn videos into a queryable annotation database."""

__all__: list[str] = []
