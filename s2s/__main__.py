"""`python -m s2s` and the console script."""

from s2s.cli.app import main

if __name__ == "__main__":
    main()
