"""Analytics: facts become rows exactly once, rows become figures, figures become a board and an API."""
