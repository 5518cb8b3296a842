"""From confirmed failures to a better version, shown with what it wins and loses, and offered.

It reads what validation has found and changes only the examples and the versions of a task.
"""
