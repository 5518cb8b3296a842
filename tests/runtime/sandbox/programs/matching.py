# input: {"event": {"kind": "order", "total": 120, "items": ["a", "b", "c"]}}
# input: {"event": {"kind": "refund", "reason": {"code": 7}}}
# input: {"event": [1, 2, 3]}
# input: {"event": "ping"}
# input: {"event": 4.5}
# input: {"event": null}
# input: {"event": true}
# input: {"event": {}}
# ruff: noqa
SMALL = 5


def run(input_data):
    match input_data["event"]:
        case {"kind": "order", "total": int(total), "items": [first, *rest]} if total > 100:
            return f"big order of {first} and {len(rest)} more"
        case {"kind": "refund", "reason": {"code": code}, **others}:
            return f"refund {code} {others}"
        case [x, y, *_]:
            return x + y
        case "ping" | "pong" as word:
            return word.upper()
        case True | False:
            return "boolean"
        case float() as number if number < SMALL:
            return number
        case None:
            return "nothing"
        case dict() | list():
            return "container"
        case _:
            return "?"
