"""Exit codes, and how every error becomes one line for people and a code for scripts."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer

import assay
from assay_server.cli.terminal import colour, say
from assay_server.core import errors

YES, NO, MISUSE, UNREACHABLE, INCONCLUSIVE = 0, 1, 2, 3, 4
INTERRUPTED = 130

_SIGN_IN = "assay login URL --key sk_… (the key that the first 'assay up' printed), or set ASSAY_API_KEY"


def run(app: typer.Typer, args: Sequence[str] | None = None) -> int:
    """Runs a command line; the exit code. Errors are told on stderr, with `--json` as a document on stdout too."""
    arguments = list(sys.argv[1:] if args is None else args)
    try:
        returned = app(arguments, standalone_mode=False, prog_name="assay")
        sys.stdout.flush()
        return returned if isinstance(returned, int) else YES
    except typer.TyperException as error:
        return _misuse(error)
    except assay.AssayError as error:
        if isinstance(error, assay.Unauthenticated):
            error.fix = _SIGN_IN  # the server's own fix is for those who write headers
        return _told(error, code_of(error), as_json="--json" in arguments)
    except errors.AssayError as error:  # of a command that runs the server itself
        code = MISUSE if isinstance(error, errors.InvalidInput) else NO
        return _told(error, code, as_json="--json" in arguments)
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return _seen_enough()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # typer knows it too, and takes it for a failure
            return _seen_enough()
        raise
    except OSError as error:
        say(f"{colour('error:', 'red')} {error.strerror or error}: {error.filename or ''}".rstrip(": "))
        return MISUSE


def _seen_enough() -> int:
    """The reader has (`assay trace list | head`). Python would complain once more at its end."""
    sys.stdout = None
    return YES


def code_of(error: assay.AssayError) -> int:
    """3 where the server does not answer or is not ready, 1 where the rules or the server say no, else 2."""
    if isinstance(error, assay.ServerUnreachable | assay.Unavailable):
        return UNREACHABLE
    no = assay.Refused | assay.Conflict | assay.ServerError | assay.UpstreamError | assay.RateLimited
    return NO if isinstance(error, no) else MISUSE


def _misuse(error: typer.TyperException) -> int:
    show: Any = getattr(error, "show", None)
    if callable(show):
        show()
    else:
        say(f"{colour('error:', 'red')} {error}")
    return int(getattr(error, "exit_code", MISUSE))


def _told(error: assay.AssayError | errors.AssayError, code: int, *, as_json: bool) -> int:
    say(f"{colour('error:', 'red')} {error.message}")
    if where := getattr(error, "where", None):
        say(f"{colour('field:', 'cyan')} {where}")
    if error.fix:
        say(f"{colour('fix:', 'cyan')} {error.fix}")
    if isinstance(error, assay.ServerError) and error.request_id:
        say(f"request: {error.request_id}")
    if as_json:
        names = ("message", "code", "status", "field", "value", "fix", "request_id")
        told = {name: value for name in names if (value := getattr(error, name, None)) is not None}
        print(json.dumps({"error": told}, default=str))
    return code
