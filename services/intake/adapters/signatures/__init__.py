"""Digital signatures, judged with pyHanko: the only place that knows it, and never a private key."""
