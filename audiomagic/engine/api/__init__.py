"""The engine's HTTP API, that of OpenAI: an app, served in this process or on the loopback."""
