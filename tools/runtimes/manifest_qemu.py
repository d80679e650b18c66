# The whole of usip with the port for QEMU's boards.
import os

include("manifest.py")
package("usip", base_path="../..", opt=3)
for port in ("qemu", "host"):
    base = os.path.join("../../ports", port)
    for name in sorted(os.listdir(base)):
        if os.path.exists(os.path.join(base, name, "__init__.py")):
            package(name, base_path=base, opt=3)
