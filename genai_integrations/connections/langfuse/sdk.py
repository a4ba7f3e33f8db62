"""The Langfuse SDK's client: for programs that ask for it, and for those that have made one themselves."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.loading import loading
from genai_integrations.settings import Settings, read_trace_settings

if TYPE_CHECKING:
    from langfuse import Langfuse
    from langfuse.api import LangfuseAPI


class LangfuseSdk:
    """Makes the SDK's client when it is first asked for.

    The SDK keeps one set of connections per public key and process: if the program has made a `Langfuse` of its
    own for that key, this is a second handle on the same one, with its masking, sampling and exporters.

    Args:
        settings: Has the host, the key pair, and whether to trace.
        mask: Langfuse's masking function, for input, output and metadata.
        sample_rate: Share of traces to record, 0.0 to 1.0; None leaves it to `LANGFUSE_SAMPLE_RATE`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        mask: Callable[..., object] | None = None,
        sample_rate: float | None = None,
    ) -> None:
        self.settings = settings
        self.mask = mask
        self.sample_rate = sample_rate
        self._sdk: Langfuse | None = None
        self._api: LangfuseAPI | None = None
        self._http: _Http | None = None
        self._lock = threading.Lock()
        after_fork_in_child(self._renew)

    @property
    def made(self) -> Langfuse | None:
        """The client, if anything has asked for it yet."""
        return self._sdk

    def get(self) -> Langfuse:
        """The client.

        Raises:
            ConfigurationError: The key pair is missing, or this process uses it with another host.
        """
        return self._sdk or self._make()

    @property
    def api(self) -> LangfuseAPI:
        """The SDK's client of Langfuse's API alone: no threads, no traces, and any number of hosts per key.

        Raises:
            ConfigurationError: The key pair is missing.
        """
        return self._api or self._make_api()

    def _make(self) -> Langfuse:
        public_key, secret_key = _pair(self.settings)
        with self._lock:
            if self._sdk is None:
                # What is half made when a process forks would stay so in the child.
                with loading():
                    self._sdk = self._made(public_key, secret_key)
        return self._sdk

    def _made(self, public_key: str, secret_key: str) -> Langfuse:
        from langfuse import Langfuse

        settings = self.settings
        was_there = resources_of(settings) is not None
        sdk = Langfuse(
            public_key=public_key,
            secret_key=secret_key,
            base_url=settings.host,
            tracing_enabled=settings.tracing,
            mask=self.mask,
            sample_rate=self.sample_rate,
        )
        resources = getattr(sdk, "_resources", None)
        if resources is not None and _is_elsewhere(resources, settings):
            raise ConfigurationError(
                f"the Langfuse SDK in this process already uses {public_key} with {resources.base_url}, and it "
                f"keeps one host per public key: it cannot be used for {settings.host} as well"
            )
        if not was_there and not settings.tracing and resources is not None:
            _silent.add(resources)
        return sdk

    def _make_api(self) -> LangfuseAPI:
        public_key, secret_key = _pair(self.settings)
        with self._lock:
            if self._api is None:
                with loading():
                    self._api = self._made_api(public_key, secret_key)
        return self._api

    def _made_api(self, public_key: str, secret_key: str) -> LangfuseAPI:
        from importlib.metadata import version

        import pydantic.type_adapter  # noqa: F401  which the first answer would load
        from langfuse.api import LangfuseAPI

        timeout = read_trace_settings(self.settings.environ).timeout
        self._http = _HTTP.at(timeout)
        api = LangfuseAPI(
            base_url=self.settings.host,
            username=public_key,
            password=secret_key,
            x_langfuse_sdk_name="python",
            x_langfuse_sdk_version=version("langfuse"),
            x_langfuse_public_key=public_key,
            httpx_client=self._http.client,
            timeout=timeout,
        )
        _ = api.prompts  # the same
        return api

    def _renew(self) -> object:
        """In a forked child: the lock may be held by a thread that is not there, the sockets are the parent's."""
        self._lock = threading.Lock()
        left, self._api, self._http = (self._api, self._http), None, None
        return left


class _Http:
    """Connections to servers of Langfuse, closed when nobody has them any more.

    Args:
        timeout: Seconds for one answer.
    """

    def __init__(self, timeout: float) -> None:
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx

        # No cookie is kept, because it would go with the requests of other projects. And a redirect is not followed,
        # because it would take the key pair along.
        none = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        self.client = httpx.Client(timeout=timeout, follow_redirects=False, cookies=none)
        self.end = weakref.finalize(self, self.client.close)


class _SharedHttp:
    """The connections of this process: one of the SDK's own clients of HTTP takes 860 KB, and projects are many."""

    def __init__(self) -> None:
        self._clients: weakref.WeakValueDictionary[float, _Http] = weakref.WeakValueDictionary()
        after_fork_in_child(self._renew)

    def at(self, timeout: float) -> _Http:
        """The connections with a time-out, made if there are none."""
        found = self._clients.get(timeout)
        # Two threads may make them at once, and both get the first.
        return found or self._clients.setdefault(timeout, _Http(timeout))

    def _renew(self) -> object:
        """In a forked child: the sockets are the parent's, who closes them."""
        left = list(self._clients.values())
        for http in left:
            http.end.detach()
        self._clients = weakref.WeakValueDictionary()
        return left


_HTTP = _SharedHttp()


def _pair(settings: Settings) -> tuple[str, str]:
    if not settings.public_key or not settings.secret_key:
        raise ConfigurationError(
            "prompts and traces need Langfuse: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
        )
    return settings.public_key, settings.secret_key


_silent: weakref.WeakSet[object] = weakref.WeakSet()
"""What the SDK keeps of clients that were made here for a program that does not trace, and asked for one."""


def resources_of(settings: Settings) -> Any | None:
    """What the SDK has made in this process for a public key and host, by the program or for it; None if nothing.

    One that does not trace only because a `GenAIClient(tracing=False)` made it says nothing of other clients' calls.
    The SDK has no public way to this: its `get_client` makes a client where there is none. Costs a look into a dict.
    """
    module = sys.modules.get("langfuse._client.resource_manager")
    manager = getattr(module, "LangfuseResourceManager", None)
    found = manager._instances.get(settings.public_key) if manager is not None else None  # noqa: SLF001
    if found is None or found in _silent or _is_elsewhere(found, settings):
        return None
    return found


def _is_elsewhere(resources: object, settings: Settings) -> bool:
    known: str = getattr(resources, "base_url", settings.host)
    return known.rstrip("/") != settings.host
