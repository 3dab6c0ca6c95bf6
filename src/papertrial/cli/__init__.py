"""The command line: one file per subcommand, which imports torch only when it runs."""
