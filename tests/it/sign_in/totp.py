"""Prints the code that a device with a seed shows so many steps from now (RFC 6238)."""

import base64
import hashlib
import hmac
import struct
import sys
import time

seed, offset = base64.b32decode(sys.argv[1]), int(sys.argv[2])
step = int(time.time()) // 30 + offset
digest = hmac.new(seed, struct.pack(">Q", step), hashlib.sha1).digest()
start = digest[-1] & 15
number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
print(f"{number % 1_000_000:06}")
