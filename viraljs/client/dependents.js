/** Runs dependents for visitors whose bundle came without ViralJS. `viral_script(…, dependents=True)` asks for it. */

// Pages from before a deploy load it as well (docs/protocol.rst).

import { runDependents } from "./dependents-runner.js";
import { findPage } from "./versions.js";

if (!findPage()) runDependents();
