"""`python -m papertrial` is `papertrial`."""

from papertrial.cli.main import main

if __name__ == "__main__":
    main()
