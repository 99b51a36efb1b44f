"""Could we be fooling ourselves? Checks that a result could fail."""
