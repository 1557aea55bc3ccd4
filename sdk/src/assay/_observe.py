"""`@assay.observe`: a span around every call of a function, a coroutine, a generator or an asynchronous generator."""

import asyncio
import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, TypeVar, cast, overload

from assay._capture import is_text, simple
from assay._chat import answered, asked
from assay._errors import InvalidInput
from assay._loops import count
from assay._spans import Kind, Span, resumed, span, start

F = TypeVar("F", bound=Callable[..., Any])

_MOST_ITEMS = 10_000
_ITEM = 2_000  # characters kept of an item that is no text


@overload
def observe(function: F, /) -> F: ...


@overload
def observe(*, kind: Kind | None = None, name: str | None = None, capture: bool = True) -> Callable[[F], F]: ...


def observe(
    function: F | None = None, /, *, kind: Kind | None = None, name: str | None = None, capture: bool = True
) -> F | Callable[[F], F]:
    """Puts a span around each call, with arguments as input and the result as output.

    `capture=False` leaves both out. Of a model call (`kind="llm"`) the argument `messages` is what went in, and of an
    answer of OpenAI's or Anthropic's client the message is what came out; its model and tokens stand on the span. A
    generator's span lasts from its first item to its end and is current only while the generator itself runs; its
    output is what it yielded (texts are joined). Raises InvalidInput for a class or anything else that is no function.
    """
    if function is None:
        return lambda decorated: _observed(decorated, kind, name, capture)
    return _observed(function, kind, name, capture)


def _observed(function: F, kind: Kind | None, name: str | None, capture: bool) -> F:
    if isinstance(function, staticmethod | classmethod):
        return cast("F", type(function)(_observed(function.__func__, kind, name, capture)))
    _refuse_others(function)
    wrapper = _wrapper(function)
    return cast("F", wrapper(function, _Recorder(function, kind, name, capture)))


def _refuse_others(function: Any) -> None:
    """A class would become a function: nothing could be derived from it, and nothing be an instance of it."""
    if callable(function) and not isinstance(function, type):
        return
    if isinstance(function, type):
        what, fix = f"the class {function.__name__}", "put it on its methods"
    elif isinstance(function, property | functools.cached_property):
        what, fix = "a property", "put @property above @assay.observe"
    else:
        what, fix = f"{function!r:.80}", "put it on a function: @assay.observe(kind=…, name=…)"
    raise InvalidInput(f"@assay.observe is for functions; this is {what}.", field="function", fix=fix)


def _wrapper(function: Callable[..., Any]) -> Callable[[Any, "_Recorder"], Any]:
    function = _bare(function)
    if not (inspect.isroutine(function) or isinstance(function, type)):  # an object that is called like one
        function = type(function).__call__
    if inspect.isasyncgenfunction(function):
        return _around_async_generator
    if inspect.isgeneratorfunction(function):
        return _around_generator
    if inspect.iscoroutinefunction(function):
        return _around_coroutine
    return _around_function


class _Recorder:
    """How the calls of one function are written down."""

    def __init__(self, function: Callable[..., Any], kind: Kind | None, name: str | None, capture: bool) -> None:
        self.kind = kind
        self.name = name or _name(function)
        self._capture = capture
        self._signature = _signature(function)
        parameters = self._signature.parameters.values() if self._signature else ()
        self._rest = next((each.name for each in parameters if each.kind is each.VAR_KEYWORD), "")

    def guard(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Raises LoopDetected where a guard says that this tool was called too often."""
        if self.kind == "tool":
            count(self.name, lambda: self._arguments(args, kwargs))

    def input(self, handle: Span, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if self._capture and handle.otel.is_recording():
            arguments = self._arguments(args, kwargs)
            if self.kind == "llm" and isinstance(arguments.get(self._rest), dict):
                arguments |= arguments.pop(self._rest)
            handle.input(self._known(handle, asked, arguments))

    def output(self, handle: Span, result: Any) -> None:
        if self._capture:
            handle.output(self._known(handle, answered, result))

    def _known(self, handle: Span, read: Callable[[Any], tuple[Any, Mapping[str, Any]]], value: Any) -> Any:
        """What there is to show of a value, and what a model call tells beside it on the span."""
        if self.kind != "llm":
            return value
        try:
            shown, attributes = read(value)
        except Exception:  # noqa: BLE001 - an odd object's own code failed: it is shown as any other
            return value
        handle.otel.set_attributes(attributes)
        return shown

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        if self._signature is None:
            return {"args": args, **kwargs}
        try:
            bound = dict(self._signature.bind(*args, **kwargs).arguments)
        except TypeError:  # the call itself will tell what is wrong with it
            return {"args": args, **kwargs}
        first = next(iter(self._signature.parameters), None)
        if first in {"self", "cls"}:
            bound.pop(first, None)
        return bound


class _Yielded:
    """What a generator has yielded, bounded."""

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._left_out = 0

    def add(self, item: Any) -> None:
        if len(self._items) < _MOST_ITEMS:
            self._items.append(item if is_text(item) else simple(item, _ITEM))
        else:
            self._left_out += 1

    def value(self, texts: bool) -> Any:
        more = [f"… {self._left_out} more"] if self._left_out else []
        return "".join(self._items + more) if texts else self._items + more


def _around_function(function: Callable[..., Any], recorder: _Recorder) -> Callable[..., Any]:
    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Any:
        with span(recorder.name, recorder.kind) as handle:
            recorder.input(handle, args, kwargs)
            recorder.guard(args, kwargs)
            result = function(*args, **kwargs)
            recorder.output(handle, result)
            return result

    return observed


def _around_coroutine(function: Callable[..., Any], recorder: _Recorder) -> Callable[..., Any]:
    @functools.wraps(function)
    async def observed(*args: Any, **kwargs: Any) -> Any:
        with span(recorder.name, recorder.kind) as handle:
            recorder.input(handle, args, kwargs)
            recorder.guard(args, kwargs)
            result = await function(*args, **kwargs)
            recorder.output(handle, result)
            return result

    return observed


def _around_generator(function: Callable[..., Any], recorder: _Recorder) -> Callable[..., Any]:
    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        recorder.guard(args, kwargs)
        generator: Generator[Any, Any, Any] = function(*args, **kwargs)
        handle = start(recorder.name, recorder.kind)
        recorder.input(handle, args, kwargs)
        stream = _Stream(recorder, handle)
        advance: Callable[[], Any] = generator.__next__
        try:
            while True:
                try:
                    item = stream.step(advance)
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield item
                except GeneratorExit:
                    with resumed(handle):
                        generator.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in by the consumer, handed to the generator
                    advance = functools.partial(generator.throw, error)
                else:
                    advance = functools.partial(generator.send, sent)
        finally:
            stream.end()

    return observed


def _around_async_generator(function: Callable[..., Any], recorder: _Recorder) -> Callable[..., Any]:
    @functools.wraps(function)
    async def observed(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        recorder.guard(args, kwargs)
        generator: AsyncGenerator[Any, Any] = function(*args, **kwargs)
        handle = start(recorder.name, recorder.kind)
        recorder.input(handle, args, kwargs)
        stream = _Stream(recorder, handle)
        advance: Callable[[], Any] = functools.partial(_begun_unseen, generator)
        try:
            while True:
                try:
                    item = await stream.async_step(advance)
                except StopAsyncIteration:
                    return
                try:
                    sent = yield item
                except (GeneratorExit, asyncio.CancelledError):  # the latter where the loop ends before it is closed
                    with resumed(handle, closing=True):
                        await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in by the consumer, handed to the generator
                    advance = functools.partial(generator.athrow, error)
                else:
                    advance = functools.partial(generator.asend, sent)
        finally:
            stream.end()

    return observed


def _begun_unseen(generator: AsyncGenerator[Any, Any]) -> Any:
    """Its first step, kept from the event loop, which at its end closes every generator it knows, all at once: this one
    is closed by the one around it, and would be told to close while it does."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return generator.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)


class _Stream:
    """The span of one generator: current during each step, ended with what was yielded."""

    def __init__(self, recorder: _Recorder, handle: Span) -> None:
        self._recorder = recorder
        self._handle = handle
        self._yielded = _Yielded()
        self._texts = True

    def step(self, advance: Callable[[], Any]) -> Any:
        stopped: StopIteration | None = None
        with resumed(self._handle):
            try:
                return self._seen(advance())
            except StopIteration as stop:  # its end is no error, so it must not pass through the span
                stopped = stop
        raise stopped

    async def async_step(self, advance: Callable[[], Any]) -> Any:
        stopped: StopAsyncIteration | None = None
        with resumed(self._handle):
            try:
                return self._seen(await advance())
            except StopAsyncIteration as stop:
                stopped = stop
        raise stopped

    def end(self) -> None:
        self._recorder.output(self._handle, self._yielded.value(self._texts))
        self._handle.otel.end()

    def _seen(self, item: Any) -> Any:
        self._texts = self._texts and is_text(item)
        self._yielded.add(item)
        return item


def _name(function: Any) -> str:
    function = _bare(function)
    name: str = getattr(function, "__qualname__", type(function).__name__)
    return name.replace("<locals>.", "")


def _bare(function: Any) -> Any:
    """Without the arguments that were given beforehand."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return None
