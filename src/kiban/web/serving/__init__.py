"""The dashboard's server: files, sessions, streams of pictures, and commands run for a person."""
