"""Installs the JavaScript clients of the bench (`make clients`), as their package-lock.json pins them."""

import subprocess
from pathlib import Path

from node import npm_command

JS = Path(__file__).resolve().parent.parent / "tests" / "clients" / "js"


def main() -> None:
    command, environment = npm_command()
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run([*command, "ci", *options], cwd=JS, env=environment, check=True)


if __name__ == "__main__":
    main()
