"""Programs with the help of a language model: its code, its signs for classes, its examples."""
