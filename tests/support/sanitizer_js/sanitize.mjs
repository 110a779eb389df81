// What an untrusted notebook's HTML output becomes in JupyterLab: HTML in on stdin, HTML out.
import { readFileSync } from "node:fs";
// Its file, not the package's index: that one imports all of JupyterLab's user interface.
import { Sanitizer } from "@jupyterlab/apputils/lib/sanitizer.js";

// rendermime's renderHTML() calls it just so, and the defaults of the "HTML Sanitizer" settings
// are those of the class.
process.stdout.write(new Sanitizer().sanitize(readFileSync(0, "utf8")));
