"""What the pages show: pure functions from the board to values a browser can draw."""
