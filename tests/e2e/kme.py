#!/usr/bin/env python3
"""A key management entity after ETSI GS QKD 014 V1.1.1, one of a pair, over TLS with client certificates; and what makes certificates for it.

    kme.py --port N --name geneva --directory D --sae geneva-sae --peer-sae paris-sae

Both of a pair share a directory, which stands for their QKD link: `keys/` has what one has given and the other has not yet. Who asks is told by the common
name of his certificate. `NAME.fault`, a JSON object, makes it err: {"call": "enc_keys", "kind": …}; `NAME.rate` has it make so many keys a second. Both are read
at each request.
"""

import argparse
import base64
import http.server
import json
import os
import re
import secrets
import ssl
import sys
import threading
import time
import uuid
from pathlib import Path

LIMITS = {"key_size": 256, "stored_key_count": 5000, "max_key_count": 5000, "max_key_per_request": 24, "max_key_size": 1024, "min_key_size": 64,
          "max_SAE_ID_count": 0}


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Kme:
    def __init__(self, options):
        self.options = options
        self.given = options.directory / "keys"
        self.given.mkdir(exist_ok=True)
        self.counts = {"status": 0, "enc_keys": 0, "dec_keys": 0, "keys": 0}
        self.lock = threading.Lock()
        self.faulty, self.requests = None, 0
        self.rated, self.taken = 0, 0  # since when it makes keys at a rate, and how many it has given since

    def fault(self, call):
        try:
            fault = json.loads((self.options.directory / f"{self.options.name}.fault").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return fault if fault.get("call") in (call, "any") else {}

    def is_turn_of(self, fault):
        """Whether this is the request, counted since the fault was there, that is to fail."""
        with self.lock:
            if self.faulty != fault:
                self.faulty, self.requests = fault, 0
            self.requests += 1
            return self.requests == fault["number"]

    def count(self, call, keys=0):
        with self.lock:
            self.counts[call] += 1
            self.counts["keys"] += keys
            self.taken += keys
            file = self.options.directory / f"{self.options.name}.counts"
            file.with_suffix(".new").write_text(json.dumps(self.counts))
            file.with_suffix(".new").rename(file)

    def answer(self, caller, slave_or_master, call, request):
        if caller != self.options.sae:
            raise Refused(401, f"SAE {caller} is not at this KME")
        if slave_or_master != self.options.peer_sae:
            raise Refused(400, f"no SAE {slave_or_master}")
        fault = self.fault(call)
        if fault.get("kind") == "one request" and self.is_turn_of(fault):
            raise Refused(503, "as the test wants it, once")
        if fault.get("kind") == "status":
            raise Refused(fault["status"], fault.get("message", "as the test wants it"))
        answer = {"status": self.status, "enc_keys": self.enc_keys, "dec_keys": self.dec_keys}[call](request)
        return self.spoiled(answer, fault)

    def stored(self):
        """All that the pair has, or what it has made at its rate and not given yet."""
        file = self.options.directory / f"{self.options.name}.rate"
        if not file.exists():
            return LIMITS["stored_key_count"]
        rate = json.loads(file.read_text())
        with self.lock:
            if self.rated != rate["since"]:
                self.rated, self.taken = rate["since"], 0
            return max(0, int((time.time() - rate["since"]) * rate["keys_per_second"]) - self.taken)

    def status(self, _):
        self.count("status")
        return {"source_KME_ID": self.options.name, "target_KME_ID": "the other", "master_SAE_ID": self.options.sae,
                "slave_SAE_ID": self.options.peer_sae, **LIMITS, "stored_key_count": min(self.stored(), LIMITS["max_key_count"])}

    def enc_keys(self, request):
        number, size = request.get("number", 1), request.get("size", LIMITS["key_size"])
        if not 1 <= number <= LIMITS["max_key_per_request"] or not LIMITS["min_key_size"] <= size <= LIMITS["max_key_size"] or size % 8:
            raise Refused(400, "number or size is out of range")
        keys = []
        for _ in range(number):
            key = {"key_ID": str(uuid.uuid4()), "key": base64.b64encode(secrets.token_bytes(size // 8)).decode()}
            (self.given / key["key_ID"]).write_text(key["key"])
            keys.append(key)
        self.count("enc_keys", number)
        return {"keys": keys}

    def dec_keys(self, request):
        ids = [entry["key_ID"] for entry in request["key_IDs"]]
        if not 1 <= len(ids) <= LIMITS["max_key_per_request"] or len(set(ids)) != len(ids) or not all(re.fullmatch("[0-9a-f-]{36}", one) for one in ids):
            raise Refused(400, "key_IDs are none")
        files = [self.given / one for one in ids]
        if not all(file.exists() for file in files):
            raise Refused(400, "one or more keys specified are not found on KME")
        keys = [{"key_ID": one, "key": file.read_text()} for one, file in zip(ids, files)]
        for file in files:
            file.unlink()
        self.count("dec_keys", len(ids))
        keys.reverse()  # the standard promises no order
        return {"keys": keys}

    def spoiled(self, answer, fault):
        kind = fault.get("kind")
        if kind == "few":
            answer["keys"].pop()
        elif kind == "twice":
            answer["keys"][-1] = dict(answer["keys"][0])
        elif kind == "size":
            answer["keys"][0]["key"] = base64.b64encode(secrets.token_bytes(16)).decode()
        elif kind == "other bits":
            answer["keys"][0]["key"] = base64.b64encode(secrets.token_bytes(len(base64.b64decode(answer["keys"][0]["key"])))).decode()
        elif kind == "other names":
            answer["keys"][0]["key_ID"] = str(uuid.uuid4())
        elif kind == "limits":
            answer.update(fault["limits"])
        text = json.dumps(answer)
        if kind == "malformed":
            text = text[: len(text) // 2]
        if kind == "huge":
            text = '{"keys": "' + "x" * (1 << 20) + '"}'
        if kind == "escaped":  # as PHP and .NET write it; and the connection ends with the answer
            text = text.replace("/", "\\/").replace("+", "\\u002B")
        if kind == "silent":
            time.sleep(12)
        return text


def handler_of(kme):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self, request):
            try:
                found = re.fullmatch(r"/api/v1/keys/([^/?]+)/(status|enc_keys|dec_keys)", self.path)
                if not found or (found[2] == "status") != (self.command == "GET"):
                    raise Refused(404, "no such path")
                subject = dict(pair[0] for pair in self.connection.getpeercert()["subject"])
                status, text = 200, kme.answer(subject["commonName"], found[1], found[2], request)
            except Refused as refused:
                status, text = refused.status, json.dumps({"message": str(refused), "details": []})
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if kme.fault(self.path.rpartition("/")[2]).get("kind") == "escaped":
                self.send_header("Connection", "close")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.serve({})

        def do_POST(self):
            self.serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, format, *arguments):
            print(format % arguments, flush=True)

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, handler, context):
        super().__init__(address, handler)
        self.context = context

    def finish_request(self, request, client_address):
        """The handshake is the connection's own thread's, and whoever fails it harms nobody else."""
        try:
            request.settimeout(20)
            with self.context.wrap_socket(request, server_side=True) as connection:
                self.RequestHandlerClass(connection, client_address, self)
        except (ssl.SSLError, OSError) as problem:
            print(f"connection: {problem}", flush=True)


class Authority:
    """Who issues the certificates of both KMEs and of their clients."""

    def __init__(self, run, directory):
        self.run, self.directory = run, directory
        directory.mkdir(exist_ok=True)
        self.root = directory / "kme-ca.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", directory / "kme-ca.key", "-subj",
            "/CN=kme authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-days", "30", "-out", self.root)

    def issue(self, name, *, address=None, request=None):
        """A certificate for `name`, with a fresh key unless there is a request for it."""
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        if request is None:
            request = self.directory / f"{name}.csr"
            self.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", f"/CN={name}", "-out", request)
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName=IP:{address}\n" if address else "extendedKeyUsage=clientAuth\n")
        self.run("openssl", "x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self.directory / "kme-ca.key", "-days", "30", "-extfile", extensions,
                 "-out", certificate, *([] if address else ["-subj", f"/CN={name}"]))
        return certificate, key


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--sae", required=True)
    parser.add_argument("--peer-sae", required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--ca", required=True)
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(options.certificate, options.key)
    context.load_verify_locations(options.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    Server(("127.0.0.1", options.port), handler_of(Kme(options)), context).serve_forever()


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
