"""A headless Chromium, driven over a pipe by its DevTools protocol (one JSON object, ended by a zero byte, in each direction)."""

import json
import os
import select
import subprocess
import time


class Browser:
    """One page. What the page's console, its network and its security policy have to say is kept in `complaints` and `requests`."""

    def __init__(self, lab, namespace, profile, *options):
        to_browser, self.writer = os.pipe()
        self.reader, from_browser = os.pipe()
        command = ["ip", "netns", "exec", lab.namespace(namespace), "sh", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "sh", "chromium",
                   "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
                   "--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-pipe", *options, "about:blank"]
        log = open(lab.directory / f"chromium-{namespace}.log", "ab")
        lab.processes[f"chromium-{namespace}"] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(to_browser, from_browser))
        for end in (to_browser, from_browser):
            os.close(end)
        log.close()
        self.received = b""
        self.number = 0
        self.session = None
        self.complaints = []
        self.requests = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method, seconds=60, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters} | ({"sessionId": self.session} if self.session else {})
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            while b"\0" in self.received:
                text, self.received = self.received.split(b"\0", 1)
                answer = json.loads(text)
                if answer.get("id") == self.number:
                    if "error" in answer:
                        raise RuntimeError(f"{method}: {answer['error']}")
                    return answer["result"]
                self.note(answer)
            ready, _, _ = select.select([self.reader], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise RuntimeError(f"chromium did not answer to {method} within {seconds} s")
            got = os.read(self.reader, 1 << 16)
            if not got:
                raise RuntimeError("chromium ended")
            self.received += got

    def note(self, event):
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(argument.get("value")) for argument in parameters["args"]))
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        elif event.get("method") in ("Network.requestWillBeSent", "Network.webSocketCreated"):
            self.requests.append(parameters["request"]["url"] if "request" in parameters else parameters["url"])

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"'{expression}': {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def press(self, key):
        codes = {"Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "Escape": 27, "Enter": 13}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind, more in (("keyDown" if text else "rawKeyDown", text), ("keyUp", {})):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **more)

    def size(self, width, height, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self):
        return self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
