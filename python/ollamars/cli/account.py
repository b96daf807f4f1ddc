"""`signin` and `signout`, and the hint that follows a request which needs an account."""

from __future__ import annotations

import os
import subprocess
import sys

from ollamars.cli.client import Client
from ollamars.cli.commands import Call
from ollamars.cli.errors import StatusError

NEEDS_ACCOUNT = "You need to be signed in to Ollama to run Cloud models.\n"


def signin(call: Call) -> int:
    """Say who is signed in, or where to do it."""
    try:
        account = Client(call.config).post("/api/me")
    except StatusError as error:
        if error.status != 401:
            raise
        print(NEEDS_ACCOUNT)
        open_signin(error.signin_url)
        return 0
    if account.get("name"):
        print(f"You are already signed in as user '{account['name']}'\n")
    return 0


def signout(call: Call) -> int:
    """Sign this machine out."""
    try:
        Client(call.config).post("/api/signout")
    except StatusError as error:
        if error.status != 401:
            raise
        print("You are not signed in to ollama.com\n")
        return 0
    print("You have signed out of ollama.com\n")
    return 0


def open_signin(url: str) -> None:
    """Open the page where one signs in, where there is a desktop, and print its address."""
    if not url:
        return
    if sys.stdout.isatty():
        _open_browser(url)
    print(f"If your browser did not open, navigate to:\n    {url}\n")


def _open_browser(url: str) -> None:
    """Ask the desktop; a browser inside the terminal would be in the way."""
    if sys.platform == "darwin":
        opener = "open"
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        opener = "xdg-open"
    else:
        return
    try:
        subprocess.Popen(
            [opener, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return
