"""Ollama's own API (`/` and `/api/...`): one module for each route, named after it."""
