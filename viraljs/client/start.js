/** Starts a module as if ViralJS were not there, for a visitor who was taken for another when the page was made. */

import { ofDocument } from "./builtins.js";
import { shownScript } from "./place.js";
import { findPage } from "./versions.js";

const { url } = __VIRALJS__;
const { linked, modules, turns } = findPage() ?? {};
// A page has all its modules from their own URLs or none: one that ran from both would be there twice.
if (!linked) window.viraljsNative = true;
Promise.resolve(turns?.get(shownScript())?.before)
  .then(() => (linked && modules ? modules.then(({ load }) => load(url, ofDocument("baseURI"))) : import(url)))
  .catch(reportError);
