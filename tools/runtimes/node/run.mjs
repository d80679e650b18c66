// Run a Python file on MicroPython's WebAssembly build; tools/run starts it: run.mjs JSON FILE ARGS...
//
// The interpreter sees a file system in memory, into which the folders of sources are copied. It has
// no sockets, no event loop that blocks and no limit of its heap. The exit status is the program's.

import fs from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const MOST = 3000; // characters of an error of the interpreter itself: its script is one line

// The sources under `from`, to the same place under `to`.
function copy(files, from, to) {
  files.mkdirTree(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [here, there] = [join(from, entry.name), `${to}/${entry.name}`];
    if (entry.isDirectory() && entry.name !== "__pycache__") copy(files, here, there);
    else if (/\.m?py$/.test(entry.name)) files.writeFile(there, fs.readFileSync(here));
  }
}

// What the interpreter runs: FILE as __main__, and its exit status.
const START = `
import json
import sys
import usip_run
def _run():
    what = json.loads(usip_run.what())
    sys.path[:] = what["path"]
    if not hasattr(sys, "argv"):
        sys.argv = []
    sys.argv[:] = what["argv"]
    try:
        with open(what["file"]) as f:
            text = f.read()
        exec(compile(text, sys.argv[0], "exec"), {"__name__": "__main__"})
        return 0
    except SystemExit as e:
        why = e.args[0] if e.args else None
        if why is None or isinstance(why, int):
            return (why or 0) & 255
        print(why)
    except BaseException as e:
        sys.print_exception(e)
    return 1
usip_run.exit(_run())
`;

async function main([json, file, ...args]) {
  const what = JSON.parse(json);
  const { loadMicroPython } = await import(pathToFileURL(what.module));
  const print = (bytes) => fs.writeSync(1, bytes);
  const python = await loadMicroPython({
    heapsize: 1 << 20,
    linebuffer: false,
    stdout: print,
    stderr: print,
  });
  for (const [from, to] of what.copies) copy(python.FS, from, to);
  const inside = `/main/${basename(file)}`;
  python.FS.mkdirTree("/main");
  python.FS.writeFile(inside, fs.readFileSync(file));
  const path = [...what.path, ".frozen"];
  let status = 1;
  python.registerJsModule("usip_run", {
    what: () => JSON.stringify({ path, argv: [file, ...args], file: inside }),
    exit: (code) => (status = code),
  });
  python.runPython(START);
  return status;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(String(error?.message ?? error).slice(0, MOST));
  process.exitCode = 125;
}
