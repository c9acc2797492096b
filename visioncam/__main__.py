"""`python -m visioncam`, where the command itself is not on the path."""

from visioncam.cli.main import main

if __name__ == "__main__":
    main()
