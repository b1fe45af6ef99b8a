"""The console: a page that shows what runs, and steers it."""
