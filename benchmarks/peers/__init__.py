"""The same questions about the same files, asked of other stream processors for Python."""
