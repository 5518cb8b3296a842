"""The app in the terminal: the only part that imports Textual. Headless code never imports it."""
