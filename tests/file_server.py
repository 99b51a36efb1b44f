"""A small web server on this machine that answers as servers do, well and badly; for tests of downloads."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STALL = 3.0  # seconds; far above the time-outs that tests give


class FileServer:
    """Answers by path: `answers` maps it to a list of dicts, used one after the other, the last for ever.

    A dict may have ``body``, ``status``, ``headers``, ``claim`` (announced length), ``stall`` (bytes after which
    nothing comes), ``ranges`` (understand Range). `asked` holds (path, Range header) of every request.
    """

    def __init__(self):
        self.answers, self.asked = {}, []

    def serve(self, path, *answers):
        """Set what a path answers; return its address."""
        self.answers[path] = list(answers)
        return self.url + path

    def next_answer(self, path):
        """Return the answer for a request."""
        answers = self.answers.get(path, [{"status": 404, "body": b"not here"}])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            answer = server.next_answer(self.path)
            body, status, headers = answer.get("body", b""), answer.get("status", 200), dict(answer.get("headers", {}))
            same = self.headers.get("If-Range") in (None, headers.get("ETag"))
            if wanted and answer.get("ranges") and same:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                status = 206 if start < len(body) else 416
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body = body[start:]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(answer.get("claim", len(body))))
            self.end_headers()
            self.wfile.write(body[: answer.get("stall", len(body))])
            if "stall" in answer:
                self.wfile.flush()
                server.free.wait(STALL)

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def running():
    """Yield a `FileServer` that runs until the end of the block."""
    server = FileServer()
    server.free = threading.Event()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.free.set()
        http.shutdown()
        http.server_close()
        thread.join(5)
        time.sleep(0)
