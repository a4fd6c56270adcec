"""The nouns: values without behaviour, shared by every storey."""
