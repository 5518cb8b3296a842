"""Keys, tokens and passwords: those with a documented prefix, and those whose name says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sync.privacy.finding import Span

# Prefixes as their issuers document them.
KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{22,255}"  # GitHub
    r"|glpat-[\w-]{20,}"  # GitLab
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"  # Slack
    r"|[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{16,}"  # Stripe
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}"  # Google
    r"|sk-(?:proj-|ant-|svcacct-)?[\w-]{20,}"  # OpenAI, Anthropic
    r"|hf_[A-Za-z0-9]{30,}"  # Hugging Face
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}"  # SendGrid
    r"|loopai_[\w-]{20,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"  # JSON Web Token (RFC 7519)
    r")"
)
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
IN_ADDRESS = re.compile(r"(?<=://)[^\s/:@]*:([^\s/@]+)(?=@)")
NAMED = re.compile(
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|api[ _-]?key|access[ _-]?key|private[ _-]?key"
    r"|auth(?:orization)?|credential|client[ _-]?secret"
    r"|(?:access|auth|api|refresh|bearer)[ _-]?token|token)"
    r"\w*[\"']?\s*(?:[:=]|\bis\b)\s*(?:bearer\s+|basic\s+)?[\"']?([^\s\"',;&]{6,})",
    re.IGNORECASE,
)
BEARER = re.compile(r"\b(?:bearer|basic)\s+([\w.~+/-]{16,}=*)", re.IGNORECASE)
NAME = re.compile(r"(?:^|[ _.-])(?:password|passwd|passphrase|pwd|secret|api[ _-]?key|token)$")
LEAST_LENGTH = 6


def find_secrets(text: str, context: str) -> Iterator[Span]:
    """Secrets in `text`; all of it where the name of its field says that it is one."""
    if NAME.search(context.strip()) and len(text) >= LEAST_LENGTH and not text.isspace():
        yield 0, len(text)
        return
    for pattern in (KNOWN, PRIVATE_KEY):
        for match in pattern.finditer(text):
            yield match.span()
    for pattern in (IN_ADDRESS, BEARER):
        for match in pattern.finditer(text):
            yield match.span(1)
    for match in NAMED.finditer(text):
        if _looks_secret(match[1]):
            yield match.span(1)


def _looks_secret(value: str) -> bool:
    """Not a plain word: `the token is expired` names no secret."""
    plain = value.rstrip(".!?)")
    kinds = (str.isdigit, str.isupper, str.islower)
    varied = sum(any(kind(character) for character in plain) for kind in kinds)
    marks = any(not character.isalnum() for character in plain)
    return len(plain) >= LEAST_LENGTH and (varied >= 2 or marks) and not plain.istitle()
