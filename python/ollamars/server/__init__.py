"""The HTTP server: Quart on Trio under Hypercorn's protocol code, with Ollama's dialect."""
