"""Exit status 0 where this container's /healthz says that the desk is well, else 1 and what it said."""

import http.client
import os
import sys

line = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=8)
try:
    line.request("GET", "/healthz", headers={"Host": "localhost"})
    answer = line.getresponse()
    said, well = answer.read().decode(), answer.status == 200
except (OSError, http.client.HTTPException) as error:
    said, well = f"no answer: {error}", False
print(said)
sys.exit(0 if well else 1)
