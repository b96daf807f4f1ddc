"""OpenAI's API, as Ollama offers it under `/v1`."""
