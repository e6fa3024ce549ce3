/** Runs dependents for visitors whose bundle came without ViralJS. `viral_script(…, dependents=True)` asks for it. */

// Pages from before a deploy load it as well (docs/protocol.rst).

import { runDependents } from "./dependents-runner.js";

if (!window.ViralJS) runDependents();
