"""What a program may name: builtins, modules and what each offers, and attributes.

Everything else is refused. Each list here is a security decision: an attribute in
`ATTRIBUTES` is loaded without a run-time check, so it must be harmless on every object
that a program can reach (held by tests/escapes/test_reachable_objects.py).
"""

from __future__ import annotations

# ruff: noqa: SIM905 - word lists read better as words

BUILTINS = frozenset(
    """
    abs all any ascii bin bool bytes callable chr complex dict divmod enumerate filter float
    format frozenset getattr hasattr hash hex int isinstance issubclass iter len list map max
    min next object oct ord pow range repr reversed round set slice sorted str sum tuple type
    zip Ellipsis NotImplemented

    ArithmeticError AssertionError AttributeError BaseException BufferError EOFError Exception
    FloatingPointError GeneratorExit ImportError IndexError KeyError KeyboardInterrupt
    LookupError MemoryError NameError NotImplementedError OSError OverflowError
    RecursionError RuntimeError StopIteration SystemExit TimeoutError TypeError
    UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError
    ZeroDivisionError
    """.split()
)

_NO_INPUT_OUTPUT = "programs do no input or output; return the value from run instead"
_NO_DYNAMIC_CODE = "programs do not run code made at run time; write the code out"
_NO_INTROSPECTION = "programs do not look into the interpreter; name what you need"
_NO_CLASSES = "classes are not available; use dicts, tuples or collections.namedtuple"

REFUSED_NAMES = {
    **dict.fromkeys(("open", "input", "print", "help"), _NO_INPUT_OUTPUT),
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), _NO_DYNAMIC_CODE),
    **dict.fromkeys(
        ("globals", "locals", "vars", "dir", "id", "breakpoint", "memoryview"), _NO_INTROSPECTION
    ),
    **dict.fromkeys(
        ("setattr", "delattr"), "attributes cannot be set or deleted; use a dict and its items"
    ),
    **dict.fromkeys(("super", "property", "staticmethod", "classmethod"), _NO_CLASSES),
    **dict.fromkeys(("exit", "quit"), "return from run instead"),
    "bytearray": "use bytes, or a list of integers",
}

MODULES: dict[str, tuple[str, ...]] = {
    name: tuple(members.split())
    for name, members in {
        "re": """match fullmatch search sub subn split findall finditer compile escape error
            Pattern Match A I M S X U ASCII IGNORECASE MULTILINE DOTALL VERBOSE UNICODE NOFLAG""",
        "math": """acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees
            dist e erf erfc exp exp2 expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf
            isclose isfinite isinf isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf nan
            nextafter perm pi pow prod radians remainder sin sinh sqrt tan tanh tau trunc ulp""",
        "json": "dumps loads JSONDecodeError",
        "datetime": "date datetime time timedelta timezone tzinfo MINYEAR MAXYEAR UTC",
        "statistics": """StatisticsError correlation covariance fmean geometric_mean harmonic_mean
            linear_regression mean median median_grouped median_high median_low mode multimode
            pstdev pvariance quantiles stdev variance""",
        "string": """ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits
            octdigits printable punctuation whitespace""",
        "unicodedata": """bidirectional category combining decimal decomposition digit
            east_asian_width is_normalized lookup mirrored name normalize numeric
            unidata_version""",
        "collections": "Counter OrderedDict defaultdict deque namedtuple abc",
        "collections.abc": """Callable Collection Container Generator Hashable ItemsView Iterable
            Iterator KeysView Mapping MutableMapping MutableSequence MutableSet Reversible
            Sequence Set Sized ValuesView""",
        "itertools": """accumulate chain combinations combinations_with_replacement compress count
            cycle dropwhile filterfalse groupby islice pairwise permutations product repeat starmap
            takewhile tee zip_longest""",
        "functools": "cache cmp_to_key lru_cache partial reduce wraps",
        "operator": """abs add and_ concat contains countOf eq floordiv ge getitem gt indexOf
            invert itemgetter le lt mod mul ne neg not_ or_ pos pow sub truediv truth xor""",
        "hashlib": """md5 sha1 sha224 sha256 sha384 sha512 blake2b blake2s sha3_224 sha3_256
            sha3_384 sha3_512""",
        "decimal": """Decimal DecimalException DivisionByZero Inexact InvalidOperation Overflow
            Rounded Underflow ROUND_05UP ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN
            ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP""",
        "fractions": "Fraction",
        "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
        "heapq": """heappush heappop heapify heapreplace heappushpop merge nlargest nsmallest""",
        "textwrap": "wrap fill dedent indent shorten",
        "difflib": """SequenceMatcher get_close_matches ndiff restore unified_diff context_diff
            IS_CHARACTER_JUNK IS_LINE_JUNK""",
        "numbers": "Number Complex Real Rational Integral",
        "copy": "copy deepcopy",
        "base64": """b64encode b64decode urlsafe_b64encode urlsafe_b64decode b32encode b32decode
            b16encode b16decode""",
        "calendar": "day_abbr day_name isleap leapdays month_abbr month_name monthrange weekday",
        "urllib": "parse",
        "urllib.parse": """parse_qs parse_qsl quote quote_plus unquote unquote_plus urldefrag
            urlencode urljoin urlparse urlsplit urlunparse urlunsplit""",
        "html": "escape unescape",
        "typing": """Any AnyStr Callable ClassVar Collection Counter DefaultDict Deque Dict Final
            FrozenSet Generator Generic Hashable Iterable Iterator List Literal Mapping Match
            MutableMapping MutableSequence MutableSet NamedTuple NewType NoReturn Optional
            OrderedDict Pattern Protocol Sequence Set Sized Text Tuple Type TypeAlias TypeVar
            TypedDict Union TYPE_CHECKING cast""",
    }.items()
}

MODULE_REMEDIES = {
    **dict.fromkeys(
        ("os", "sys", "subprocess", "socket", "pathlib", "shutil", "io", "ctypes",
         "requests", "http", "threading", "multiprocessing", "asyncio", "signal", "tempfile"),
        "programs have no access to files, processes or the network",
    ),
    **dict.fromkeys(
        ("random", "secrets", "uuid", "time"),
        "the same input must always give the same output",
    ),
    **dict.fromkeys(("dataclasses", "enum", "abc"), _NO_CLASSES),
    **dict.fromkeys(("importlib", "inspect", "builtins", "ast", "types", "gc"), _NO_INTROSPECTION),
    **dict.fromkeys(
        ("numpy", "pandas", "sklearn", "scipy", "nltk"),
        "only the standard library's pure modules are available; write the arithmetic out",
    ),
}  # fmt: skip

_ATTRIBUTES_OF_VALUES = """
    capitalize casefold center count encode endswith expandtabs find index isalnum isalpha isascii
    isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust
    lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust
    rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill
    decode fromhex hex

    append clear copy extend insert pop remove reverse sort
    fromkeys get items keys popitem setdefault update values
    add difference difference_update discard intersection intersection_update isdisjoint issubset
    issuperset symmetric_difference symmetric_difference_update union
    elements most_common subtract total move_to_end
    appendleft extendleft maxlen popleft rotate

    as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag numerator real
    to_bytes is_integer indices start step stop

    flags groupindex groups pattern search sub subn findall finditer fullmatch match
    end endpos expand group groupdict lastgroup lastindex pos span string re

    astimezone combine ctime date day days dst fold fromisocalendar fromisoformat fromordinal
    fromtimestamp hour isocalendar isoformat isoweekday max microsecond microseconds min minute
    month now resolution second seconds strftime strptime time timestamp timetuple timetz today
    toordinal total_seconds tzinfo tzname utc utcfromtimestamp utcnow utcoffset utctimetuple week
    weekday year

    adjusted as_tuple canonical compare compare_signal compare_total copy_abs copy_negate copy_sign
    exp exponent fma from_decimal from_float is_canonical is_finite is_infinite is_nan is_normal
    is_qnan is_signed is_snan is_subnormal is_zero limit_denominator ln log10 logb max_mag min_mag
    next_minus next_plus next_toward normalize number_class quantize radix remainder_near
    same_quantum scaleb shift sign sqrt to_eng_string to_integral to_integral_exact
    to_integral_value

    find_longest_match get_grouped_opcodes get_matching_blocks get_opcodes quick_ratio ratio
    real_quick_ratio set_seq1 set_seq2 set_seqs size
    fragment geturl hostname netloc params password path port query scheme url username
    block_size digest digest_size hexdigest name
    args value msg doc lineno colno encoding reason
    close send from_iterable cache_clear cache_info hits misses maxsize currsize slope intercept
"""

ATTRIBUTES = frozenset(_ATTRIBUTES_OF_VALUES.split()).union(*MODULES.values()) - {"format"}

REFUSED_ATTRIBUTES = frozenset({"mro", "obj", "with_traceback", "throw"})
FORMATTING_ATTRIBUTES = frozenset({"format", "format_map"})

MAKERS = frozenset({"dict", "list", "set"})
"""Builtin types whose unbound methods could change a constant: a program sees stand-ins,
and the gate puts the real type only where it is called or compared against."""

READING_ATTRIBUTES = frozenset(
    """
    get items keys values index count copy union intersection difference isdisjoint issubset
    issuperset symmetric_difference most_common total elements
    """.split()
)
READING_BUILTINS = frozenset(
    """
    len sorted enumerate any all dict list set tuple frozenset zip reversed iter bool str repr
    """.split()
)
