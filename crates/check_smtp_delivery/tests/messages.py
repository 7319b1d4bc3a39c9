"""Reads a message with Python's email package, strictly, and prints what it found as JSON."""

import base64
import email
import email.policy
import email.utils
import json
import sys


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        raw = file.read()
    # Raises where the structure of the message has a defect.
    message = email.message_from_bytes(raw, policy=email.policy.strict)
    defects = [repr(defect) for part in message.walk() for defect in part.defects]
    headers = []
    for part in message.walk():
        for name, value in part.items():
            defects.extend(f"{name}: {defect!r}" for defect in getattr(value, "defects", ()))
            if part is message:
                headers.append([name, str(value)])
    parts = []
    for part in message.walk():
        if part.is_multipart():
            parts.append([part.get_content_type(), None, None])
            continue
        payload = part.get_payload(decode=True)
        parts.append([part.get_content_type(), part.get_filename(), base64.b64encode(payload).decode()])
    lines = raw.split(b"\r\n")
    if any(b"\r" in line or b"\n" in line for line in lines):
        defects.append("a line end that is not CRLF")
    if any(len(line) > 998 for line in lines):
        defects.append("a line above 998 octets")
    print(
        json.dumps(
            {
                "defects": defects,
                "headers": headers,
                "date": email.utils.parsedate_to_datetime(message["Date"]).timestamp() if message["Date"] else None,
                "parts": parts,
            }
        )
    )


main()
