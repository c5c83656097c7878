"""The HTTP side of analytics: the API, the board, the health endpoints."""
