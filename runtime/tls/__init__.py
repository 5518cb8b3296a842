"""TLS 1.3 by certificate files, for what serves and for what calls."""
