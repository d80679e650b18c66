# A firmware with usip in it, as a board has it: code and constants take no heap. The ports that
# the unix runtimes have on their path come along (tools/runner.py).
import os

include("manifest.py")
package("usip", base_path="../..", opt=3)
for port in ("micropython", "unix", "host"):
    base = os.path.join("../../ports", port)
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        if os.path.exists(os.path.join(base, name, "__init__.py")):
            package(name, base_path=base, opt=3)
module("doorbell.py", base_path="../../examples", opt=2)
