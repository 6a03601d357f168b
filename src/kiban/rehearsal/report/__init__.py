"""A rehearsal's result as a page that a person reads: text for a terminal, and HTML with plots
that needs nothing from anywhere."""
