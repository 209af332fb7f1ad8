"""For any request and limits: does what is let through keep every limit, and does the advice, followed, lead there?"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from starsend.shot_limits import LimitTable, Seconds, ShotLimits
from starsend.shot_lint import NEAR, Fault, RequestFacts, lint

SHIPPED = [
    LimitTable().find(provider, model)
    for provider, model in (
        ("kling", "kling-v3"),
        ("fal", "kling-video/v3/pro"),
        ("fal", "kling-video/v4"),
        ("omni", "gemini-omni-1.2-flash"),
        ("veo", "veo-3.1"),
    )
]


@st.composite
def spans(draw: st.DrawFn) -> Seconds:
    least = draw(st.integers(1, 10))
    return Seconds(least=least, most=least + draw(st.integers(0, 30)), step=draw(st.integers(1, 3)))


@st.composite
def invented(draw: st.DrawFn) -> ShotLimits:
    """Limits that no vendor has."""
    try:
        return ShotLimits(
            provider="any",
            model="*",
            shots=draw(st.none() | st.integers(1, 8)),
            characters=draw(st.none() | st.integers(1, 40)),
            shot_seconds=draw(st.none() | spans()),
            total_seconds=draw(st.none() | spans()),
            references=draw(st.none() | st.integers(1, 5)),
            elements=draw(st.none() | st.integers(1, 4)),
            aspect_ratios=draw(st.lists(st.sampled_from(["16:9", "9:16", "1:1", "4:3"]), max_size=3)),
            widest=draw(st.none() | st.sampled_from([1.5, 2.0, 2.5])),
            as_of=date(2026, 11, 1),
        )
    except ValidationError:
        assume(False)
        raise


LIMITS = st.sampled_from([limits for limits in SHIPPED if limits]) | invented()


@st.composite
def requests(draw: st.DrawFn) -> RequestFacts:
    lengths = st.integers(1, 12).map(float) | st.decimals("0.1", 20, places=1).map(float)
    seconds = draw(st.lists(lengths, min_size=1, max_size=8))
    prompts = [draw(st.text("ab ", max_size=45)) for _ in seconds]
    return RequestFacts(
        prompts=tuple(prompts),
        seconds=tuple(seconds),
        elements=tuple(draw(st.lists(st.sampled_from("abcde"), max_size=7))),
        frame=draw(st.none() | st.tuples(st.integers(200, 4000), st.integers(200, 4000))),
    )


def broken(facts: RequestFacts, limits: ShotLimits) -> set[str]:
    """Which limits a request breaks, reckoned in another way than the linter does."""
    total = sum((Fraction(Decimal(str(s))) for s in facts.seconds), Fraction(0))
    wrong = set()
    if limits.shots is not None and len(facts.seconds) > limits.shots:
        wrong.add("shots")
    if limits.characters is not None:
        wrong |= {f"shots[{i}].prompt" for i, p in enumerate(facts.prompts) if p[limits.characters :]}
    if one := limits.shot_seconds:
        wrong |= {
            f"shots[{i}].seconds" for i, s in enumerate(facts.seconds) if not holds(one, Fraction(str(s)))
        }
    if limits.total_seconds and not holds(limits.total_seconds, total):
        wrong.add("shots")
    if limits.references is not None and len(facts.elements) > limits.references:
        wrong.add("elements")
    if limits.elements is not None and len(set(facts.elements)) > limits.elements:
        wrong.add("elements")
    if facts.frame and shape_is_wrong(Fraction(*facts.frame), limits):
        wrong.add("aspect_ratio")
    return wrong


def holds(span: Seconds, seconds: Fraction) -> bool:
    return span.least <= seconds <= span.most and (seconds - span.least) % span.step == 0


def shape_is_wrong(shape: Fraction, limits: ShotLimits) -> bool:
    named = [Fraction(text.replace(":", "/")) for text in limits.aspect_ratios]
    if named and not any(abs(shape / one - 1) <= NEAR for one in named):
        return True
    return limits.widest is not None and max(shape, 1 / shape) > limits.widest


def follow(facts: RequestFacts, fault: Fault) -> RequestFacts:
    """Do what a fault advises, by its words alone."""
    if shot := re.fullmatch(r"shots\[(\d+)\]\.prompt", fault.path):
        at, (over,) = int(shot[1]), re.findall(r"take out (\d+)", fault.mend)
        prompts = list(facts.prompts)
        prompts[at] = prompts[at][int(over) :]
        return replace(facts, prompts=tuple(prompts))
    if fault.path == "elements":
        (extra,) = re.findall(r"take away (\d+)", fault.mend)
        if "pictures, at most" in fault.what and "reference" in fault.what:
            return replace(facts, elements=facts.elements[int(extra) :])
        gone = sorted(set(facts.elements))[: int(extra)]
        return replace(facts, elements=tuple(name for name in facts.elements if name not in gone))
    if fault.path == "aspect_ratio":
        if chosen := re.search(r"choose (\d+):(\d+)", fault.mend):
            return replace(facts, frame=(int(chosen[1]), int(chosen[2])))
        (most,) = re.findall(r"crop it to ([\d.]+):1", fault.mend)
        assert facts.frame is not None
        short = min(facts.frame)
        long = int(short * float(most))
        return replace(facts, frame=(long, short) if facts.frame[0] > short else (short, long))
    lengths = [float(number) for number in re.findall(r"\d+", fault.mend.rpartition("shots of")[2])]
    return replace(facts, seconds=tuple(lengths), prompts=facts.prompts[: len(lengths)])


@given(requests(), LIMITS)
def test_what_passes_keeps_every_limit_and_what_is_refused_breaks_one(
    facts: RequestFacts, limits: ShotLimits
) -> None:
    """Is each fault there and none that is not, at its very field?"""
    assert {fault.path for fault in lint(facts, limits)} == broken(facts, limits)


@given(requests(), LIMITS)
def test_advice_that_is_followed_leads_to_a_take(facts: RequestFacts, limits: ShotLimits) -> None:
    """Does whoever does what each fault says, one after the other, have a request that the vendor takes?"""
    shapes_agree = limits.widest is None or all(
        max(Fraction(s.replace(":", "/")), 1 / Fraction(s.replace(":", "/"))) <= limits.widest
        for s in limits.aspect_ratios
    )
    assume(shapes_agree)  # a row that names 16:9 and forbids it at once
    mended = facts
    for _ in lint(facts, limits):
        left = lint(
            mended, limits
        )  # one piece of advice may mend several faults, and make the next one smaller
        if left:
            mended = follow(mended, left[0])
    assert lint(mended, limits) == []
