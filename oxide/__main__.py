"""`python -m oxide`: the command `oxide`."""

from oxide.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
