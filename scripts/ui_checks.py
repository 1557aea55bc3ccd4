"""The web interface's own checks: types and unit tests."""

from node import npm

if __name__ == "__main__":
    npm("run", "--silent", "check")
    npm("test", "--silent")
