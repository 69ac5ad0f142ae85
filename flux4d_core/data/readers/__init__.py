"""One dataset a file, or a few that begin with its name."""
