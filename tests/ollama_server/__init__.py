"""A small real HTTP server that speaks Ollama's API, for tests and by hand; ships in no wheel."""
