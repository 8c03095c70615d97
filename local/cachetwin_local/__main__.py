"""``python -m cachetwin_local``: the same as the console script ``cachetwin``."""

from cachetwin_local.cli import main

if __name__ == "__main__":
    main()
