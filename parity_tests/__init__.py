"""tinynet against Keras: the same text, evaluated with both."""
