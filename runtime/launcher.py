"""The end of every `program.py`: it lets the file stand alone with the standard library.

`artifact_files` copies what follows the marker under `if __name__ == "__main__":`;
the sandbox drops that block before it compiles. Nothing here is run by Loopai itself.
"""

# marker: what follows is copied
import argparse
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY_BYTES = 2_000_000


def answer(run, data):
    """Run the program on one input object: a dict with the output, or with the error."""
    if not isinstance(data, dict):
        return {"error": "the input must be a JSON object"}
    start = time.perf_counter()
    try:
        output = run(data)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    result = {}
    is_pair = isinstance(output, tuple) and len(output) == 2
    if is_pair and isinstance(output[1], float) and 0 <= output[1] <= 1:
        output, result["confidence"] = output
    result["output"] = output
    result["latency_ms"] = round((time.perf_counter() - start) * 1000, 3)
    return result


def parse(text):
    """One JSON value; NaN and its kin are no JSON."""

    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def write(result):
    """One line of JSON."""
    try:
        return json.dumps(result, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        return json.dumps({"error": f"the output is not JSON: {error}"})


def pipe(run):
    """JSON lines in, JSON lines out; the exit code is 1 when a line gave an error."""
    failed = False
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        try:
            result = answer(run, parse(line))
        except (ValueError, RecursionError) as error:
            result = {"error": f"the line is not JSON: {error}"}
        failed = failed or "error" in result
        sys.stdout.buffer.write(write(result).encode() + b"\n")
        sys.stdout.buffer.flush()
    return 1 if failed else 0


def serve(run, host, port):
    """POST /execute {"input": {...}}; GET /health."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self, status, result):
            body = write(result).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            known = self.path == "/health"
            self.reply(200 if known else 404, {"status": "ok"} if known else {"error": "not found"})

        def do_POST(self):
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MAX_BODY_BYTES:
                self.close_connection = True
                return self.reply(413, {"error": f"send at most {MAX_BODY_BYTES} bytes"})
            body = self.rfile.read(int(length))
            if self.path != "/execute":
                return self.reply(404, {"error": "not found; use POST /execute"})
            try:
                result = answer(run, parse(body)["input"])
            except (ValueError, RecursionError, KeyError, TypeError) as error:
                return self.reply(400, {"error": f'send {{"input": {{...}}}}: {error}'})
            self.reply(500 if "error" in result else 200, result)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer((host, port), Handler)
    print(f"serving on http://{host}:{server.server_port}/execute", file=sys.stderr, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


def main(run):
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description="Reads one JSON object a line and writes one answer a line."
    )
    parser.add_argument("--serve", type=int, metavar="PORT", help="answer over HTTP instead")
    parser.add_argument("--host", default="127.0.0.1", help="with --serve (default: %(default)s)")
    options = parser.parse_args()
    if options.serve is not None:
        return serve(run, options.host, options.serve)
    return pipe(run)
