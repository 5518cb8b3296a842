"""The real small model in a process of its own: a grammar that crashes it takes nothing along.

JSON lines in: {"messages", "schema", "seed", "temperature", "max_tokens"}. JSON lines out: a text
a line, then null. Run as a file, with the path of a GGUF model.
"""

import json
import sys

from llama_cpp import Llama

# Two threads wait for each other wherever another process wants a core: one is faster there.
CONTEXT = 4096


def main(model_file):
    model = Llama(model_file, n_ctx=CONTEXT, n_threads=1, n_threads_batch=1, verbose=False)
    for line in sys.stdin:
        asked = json.loads(line)
        schema = asked["schema"]
        shape = {"type": "json_object"}
        if isinstance(schema, dict):
            shape["schema"] = schema
        pieces = model.create_chat_completion(
            messages=asked["messages"],
            response_format=shape if schema else None,
            seed=asked["seed"],
            temperature=asked["temperature"],
            max_tokens=asked["max_tokens"] if asked["max_tokens"] > 0 else 512,
            stream=True,
        )
        for piece in pieces:
            text = piece["choices"][0]["delta"].get("content")
            if text:
                print(json.dumps(text), flush=True)
        print("null", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
