# input: {"values": ["1", "x", "", null, "2.5"]}
# ruff: noqa
class_name = "not a class"


def parse(text):
    try:
        number = int(text)
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
    except (TypeError, KeyError):
        return "wrong type"
    else:
        return number
    finally:
        class_name.upper()


def check(value):
    if value is None:
        raise ValueError("no value")
    assert isinstance(value, str), "must be text"
    return True


def run(input_data):
    found = [parse(value) for value in input_data["values"]]
    try:
        check(None)
    except ValueError as error:
        found.append(error.args[0])
        found.append(error.__class__.__name__)
    try:
        try:
            {}["missing"]
        except KeyError as error:
            raise LookupError("again") from error
    except LookupError as error:
        found.append(str(error))
    try:
        check(3)
    except AssertionError as error:
        found.append(str(error))
    return found
