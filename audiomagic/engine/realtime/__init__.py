"""Live conversations with the engine: what is behind the Realtime protocol, of one connection."""
