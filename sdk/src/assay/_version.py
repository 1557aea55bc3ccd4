"""The version of this distribution, as servers see it in `User-Agent`."""

VERSION = "0.1.0"
