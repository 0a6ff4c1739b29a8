#!/usr/bin/env python3
"""Verifies an exported ledger: python3 verify_ledger.py EXPORT [HEAD]. Standard library only; see ledger-format.md."""
import hashlib
import json
import sys


def verify(lines, head=None):
    """Answers (events, erased, head) or raises ValueError naming the first event that does not fit."""
    previous, last_at, found, count = hashlib.sha256(b"steward-ledger/1").digest(), None, head is None, 0
    unexplained, erased = set(), 0
    for line in lines:
        def check(fits, why):
            if not fits:
                raise ValueError(f"event {count + 1}: {why}")
        check(line.endswith("\n") and line.startswith('{"event":'), "not a whole line of an export")
        document = json.loads(line)
        # The hashed bytes are those in the file, not a JSON library's idea of them.
        event, end = json.JSONDecoder().raw_decode(line, 9)
        canonical, rest = line[9:end], line[end:]
        check(event["sequence"] == count + 1, "dropped or reordered")
        check(last_at is None or event["at_us"] >= last_at, "dated before its predecessor")
        digest = hashlib.sha256(previous + canonical.encode()).digest()
        ending, private = f',"hash":"{digest.hex()}"', document.get("private")
        check(rest.startswith(ending), "its content does not give its hash")
        rest = rest[len(ending):]
        check((event["commitment"] is None) == (private is None), "commitment without private payload, or the reverse")
        if private == "erased":
            check(rest == ',"private":"erased"}\n', "malformed")
            unexplained.add(event["sequence"])
        elif private is not None:
            start = len(',"private":{"payload":')
            payload = rest[start:json.JSONDecoder().raw_decode(rest, start)[1]]
            check(rest == f',"private":{{"payload":{payload},"salt":"{private["salt"]}"}}}}\n', "malformed")
            commitment = hashlib.sha256(bytes.fromhex(private["salt"]) + payload.encode()).hexdigest()
            check(commitment == event["commitment"], "its private payload does not fit its commitment")
        else:
            check(rest == "}\n", "malformed")
        if event["kind"] == "private.erased":
            check(event["payload"]["sequence"] in unexplained, "erases what is not erased")
            unexplained.remove(event["payload"]["sequence"])
            erased += 1
        previous, last_at, count = digest, event["at_us"], count + 1
        found = found or digest.hex() == head
    if unexplained:
        raise ValueError(f"event {min(unexplained)}: erased, and no event says by whom")
    if not found:
        raise ValueError(f"event {count + 1}: the saved head is not in the chain; the last events were dropped")
    return count, erased, previous.hex()


if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
            print("{} events, {} erased, head {}".format(*verify(file, *sys.argv[2:3])))
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"broken: {error}")
