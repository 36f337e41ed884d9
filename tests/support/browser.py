"""A Chromium without a window, driven through chromedriver by the W3C's WebDriver protocol."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def missing():
    """What of it is not installed, or ""."""
    programs = ("chromedriver", "chromium")
    return " and ".join(program for program in programs if shutil.which(program) is None)


class Browser:
    """One tab, with the methods that tests need."""

    def __init__(self, session_url):
        self._url = session_url

    def open(self, url):
        self._post("url", url=url)

    def enter_frame(self, index):
        """Let the other methods concern a frame within the page."""
        self._post("frame", id=index)

    def run(self, script, *arguments):
        """What a function with this body returns, or what its promise becomes."""
        return self._post("execute/sync", script=script, args=arguments)

    def command(self, name, **params):
        """Chromium's own, of the DevTools protocol."""
        return self._post("goog/cdp/execute", cmd=name, params=params)

    def resize(self, width, height):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def press(self, *keys):
        """Each key in turn, down and up, as the protocol writes them."""
        pairs = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": pairs})

    def drag(self, points, pointer="mouse"):
        """Down at the first point [x, y] of the viewport, to the others, and up."""
        moves = [
            {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}
            for x, y in points
        ]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        self._act(
            {
                "type": "pointer",
                "id": pointer,
                "parameters": {"pointerType": pointer},
                "actions": [moves[0], down, *moves[1:], up],
            }
        )

    def picture(self):
        """The bytes of a PNG file with what is seen."""
        with urllib.request.urlopen(f"{self._url}/screenshot", timeout=60) as answer:
            return base64.b64decode(json.load(answer)["value"])

    def _act(self, source):
        self._post("actions", actions=[source])

    def _post(self, command, **content):
        return post(f"{self._url}/{command}", content)


def post(url, content):
    request = urllib.request.Request(
        url, json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{url}: {error.read().decode()}") from error


@contextlib.contextmanager
def chromium(folder):
    """A Browser, with its profile in this folder."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        lines = iter(driver.stdout.readline, "")
        port = next(
            found[1]
            for line in lines
            if (found := re.search(r"successfully on port (\d+)", line))
        )
        options = {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--user-data-dir={folder}"],
        }
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options}}
        url = f"http://127.0.0.1:{port}/session"
        session = post(url, {"capabilities": capabilities})["sessionId"]
        try:
            yield Browser(f"{url}/{session}")
        finally:
            request = urllib.request.Request(f"{url}/{session}", method="DELETE")
            urllib.request.urlopen(request, timeout=60).close()
    finally:
        driver.terminate()
        driver.communicate(timeout=60)
