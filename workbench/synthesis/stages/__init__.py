"""What is asked of a language model, a question a module, each with its prompt file beside it."""
