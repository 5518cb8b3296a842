"""A task's life in pictures: one self-contained HTML page, and the same live on the dashboard."""
