/** Starts a module as if ViralJS were not there, for a visitor who was taken for another when the page was made. */

const { url } = __VIRALJS__;
const linker = window.ViralJS?.modules;
// A page has all its modules from their own URLs or none: one that ran from both would be there twice.
if (!linker) window.viraljsNative = true;
(linker ? linker.then(({ load }) => load(url, location.href)) : import(url)).catch(reportError);
