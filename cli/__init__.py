"""The `gsa` command: one file per command, each parses, makes one library call and shows the result."""
