"""The three services. They never import each other; between them stand only topics."""
