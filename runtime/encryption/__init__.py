"""AES-256-GCM at rest, where a key is configured: what callers sent is on the disk only sealed."""
