"""The command line: one file a verb, imported when the verb runs. See `wherewise.cli.main` for how to add one."""
