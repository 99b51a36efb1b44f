"""`python -m mlx_gsa` is the `gsa` command."""

from mlx_gsa.cli.main import main

if __name__ == "__main__":
    main()
