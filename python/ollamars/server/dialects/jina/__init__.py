"""The API for reranking that Jina, Cohere and llama.cpp's server share."""
