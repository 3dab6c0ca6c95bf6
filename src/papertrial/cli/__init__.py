"""The command line: one file a subcommand, each importing torch only when it runs."""
