/** Runs dependents for visitors whose bundle came without ViralJS. `viral_script(…, dependents=True)` asks for it. */

import { runDependents } from "./dependents-runner.js";

if (!window.ViralJS) runDependents();
