"""Functions that a model may call: their schemas, their calls, and what comes of them."""
