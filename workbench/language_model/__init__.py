"""A local language model behind Ollama's API: find it, list and pull models, ask questions."""
