"""The only door: authenticates, checks shape and catalogue, publishes commands. It holds no law."""
