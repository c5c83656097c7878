"""Creates and verifies the topics of `contracts/topics.toml`, the same way for every stack."""
