"""From decorated functions to a plan of tasks: logical nodes, rewrite rules, the physical plan, and their pictures."""
