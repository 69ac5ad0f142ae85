"""Everything that is taken away: one file a format. Each takes a `Stage`, and writes its file whole or not at all."""
