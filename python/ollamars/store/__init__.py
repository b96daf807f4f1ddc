"""The model store: names, blobs, manifests, Modelfiles, and how a model is created.

The layout on disk is Ollama's (`blobs/sha256-…`, `manifests/host/namespace/model/tag`), so that
either program reads what the other wrote. Everything here blocks; callers run it in threads.
"""
