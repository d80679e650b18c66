# The core of usip and nothing else, for firmware without asyncio, time, select and sockets. A
# module of the core that imports what is not in it cannot be imported on such a board.
import os

BEYOND = ("phone.py", "phonecall.py", "driver.py", "pump.py", "reports.py", "server/runner.py")
top = "../../usip"
files = []
for base, _, names in os.walk(top):
    files += [os.path.relpath(os.path.join(base, x), top) for x in names if x.endswith(".py")]
package("usip", files=sorted(x for x in files if x not in BEYOND), base_path="../..", opt=3)
