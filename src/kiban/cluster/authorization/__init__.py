"""Who may do what: users from tokens, rights from roles."""
