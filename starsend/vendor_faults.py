"""Every way in which a vendor does not give what was asked, told apart by type; each says what the call did to the bill."""

from __future__ import annotations

from typing import ClassVar, Literal

from starsend.errors import StarsendError

AGAIN = '"retake": true, or `starsend generate` with --again'
"""How a person asks for another take, which is paid for."""


class ProviderError(StarsendError):
    """A vendor did not give what was asked.

    ``kind`` is a stable name for logs and the store. ``billed`` says what the call did to the bill:
    False: certainly nothing; True: it was charged; None: nobody can know. ``step_key`` is the step that it became of,
    once ``StepRunner`` has raised it: patience is counted by step. ``sent_nothing``: it ended a look at a call that was sent
    before (a poll, a look-up), which may be had again for nothing.
    """

    kind: ClassVar[str] = "provider_error"
    billed: bool | None = None
    step_key: str = ""
    sent_nothing: bool = False

    def at_a_look(self, unseen: str) -> None:
        """Say that it ended a look, or a download: what the call did to the bill was settled before. ``unseen``: what of it
        cannot be told, in words; said once, however often the same error comes.
        """
        if self.sent_nothing:
            return
        self.sent_nothing = True
        remedy = (
            self.remedy if isinstance(self, RateLimited | Unauthorized) else "run it again, looking is free"
        )
        super().__init__(f"{unseen} ({self.what})", where=self.where, remedy=remedy)


class NotSent(ProviderError):
    """The request certainly never left (connection refused, DNS). Sending again is safe."""

    kind = "not_sent"
    billed = False

    def __init__(self, provider: str, why: str) -> None:
        super().__init__(
            f"the call was never sent ({why})", where=provider, remedy="it is safe to send again"
        )


LONGEST_DELAY = 86_400.0
"""Seconds. Nobody waits longer than a day for a vendor; a header may say anything."""


class RateLimited(ProviderError):
    """The vendor said no for now (429, 503). ``delay`` is its own wish in seconds, where it gave one that can be waited for.

    ``cause``: the account has had its share, or the vendor is short of machines.
    """

    kind = "rate_limited"
    billed = False

    def __init__(
        self,
        provider: str,
        delay: float | None = None,
        *,
        why: str = "rate limit",
        cause: Literal["quota", "capacity"] = "quota",
    ) -> None:
        self.cause = cause
        self.delay = min(delay, LONGEST_DELAY) if delay is not None and delay >= 0 else None
        wait = f"wait {self.delay:g} s" if self.delay is not None else "wait a little"
        super().__init__(
            f"the vendor said not now ({why})", where=provider, remedy=f"{wait} and run it again"
        )


class BadRequest(ProviderError):
    """The vendor will never accept this request as it stands (400, 404, 422)."""

    kind = "bad_request"
    billed = False

    def __init__(self, provider: str, said: str) -> None:
        super().__init__(
            f"the vendor refused the request: {said}", where=provider, remedy="change the brief or the config"
        )


class Unauthorized(ProviderError):
    """The key is missing, wrong or not allowed to do this (401, 403)."""

    kind = "unauthorized"
    billed = False

    def __init__(self, provider: str, said: str) -> None:
        super().__init__(
            f"the vendor did not accept the key: {said}",
            where=provider,
            remedy="check the key in the environment; `starsend doctor` looks at it, and at the clock",
        )


NoPictureReason = Literal["safety", "prompt_blocked", "text_answer", "recitation", "empty"]


class NoPicture(ProviderError):
    """The vendor answered, properly, without a picture; ``why`` tells the ways apart.

    Whether that is billed depends on the vendor and on how far it got: ``billed`` says what its answer lets us know.
    """

    kind = "no_picture"
    _WORDS: ClassVar[dict[str, str]] = {
        "safety": "it was refused for safety",
        "prompt_blocked": "the prompt was blocked",
        "text_answer": "it answered in text",
        "recitation": "it looked too much like an existing picture",
        "empty": "the answer was empty",
    }

    def __init__(
        self, provider: str, why: NoPictureReason, said: str = "", *, billed: bool | None = None
    ) -> None:
        self.why = why
        self.billed = billed
        quoted = f": {said}" if said else ""
        super().__init__(
            f"no picture, {self._WORDS[why]}{quoted}", where=provider, remedy="reword the prompt"
        )


class Ambiguous(ProviderError):
    """The request was sent and no answer came. It may have been accepted and billed: never sent again blindly."""

    kind = "ambiguous"
    billed = None

    def __init__(self, provider: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"the call was sent but its answer was lost ({why})",
            where=provider,
            remedy="it may have been billed",
        )


class JobFailed(ProviderError):
    """The vendor took the job and ended it without a result."""

    kind = "job_failed"

    def __init__(self, provider: str, handle: str, said: str) -> None:
        super().__init__(
            f"job {handle} failed: {said}",
            where=provider,
            remedy=f"change its shots, or make another take ({AGAIN})",
        )


class JobGone(ProviderError):
    """The vendor no longer knows the job, or has deleted its result."""

    kind = "job_gone"
    billed = True

    def __init__(self, provider: str, handle: str) -> None:
        super().__init__(
            f"job {handle} is gone (expired or deleted)",
            where=provider,
            remedy=f"ask the vendor, or make another take ({AGAIN})",
        )


class BrokenDownload(ProviderError):
    """The result is there but did not arrive whole. Fetching again is free."""

    kind = "broken_download"
    billed = True

    def __init__(self, provider: str, why: str) -> None:
        super().__init__(
            f"the result did not arrive whole ({why})",
            where=provider,
            remedy="run it again, fetching is free",
        )
