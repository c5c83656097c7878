"""HTTP in front of the door: routes, limits, problems, the API document."""
